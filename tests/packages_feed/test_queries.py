"""Reading for other parts: newest versions, lookups."""

import pytest

from agent.versions import VersionRange
from packages_feed.queries import (
    find_version,
    find_versions,
    newest_versions,
    package_ids,
    previous_version,
)
from tests.factories import default_space, make_space
from tests.factories.packages import make_package

pytestmark = pytest.mark.django_db

ORDERED = [
    "1.0.0-1",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-Beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0",
    "1.0.0+build",
    "1.0.0.1",
    "1.9",
    "1.10.0",
    "20240101.1",
]


def test_the_database_orders_versions_as_versions() -> None:
    for version in sorted(ORDERED):
        make_package("A", version)
    found = [row.version for row in newest_versions(default_space(), "a")]
    assert found == ORDERED[::-1]


def test_rules_of_a_channel() -> None:
    for version in ("1.0.0", "1.5.0-rc.1", "1.5.0", "2.0.0"):
        make_package("A", version)

    def found(**rule: object) -> list[str]:
        rows = newest_versions(default_space(), "A", **rule)  # type: ignore[arg-type]
        return [row.version for row in rows]

    assert found(version_range="[1.0,2.0)", tag="^$") == ["1.5.0", "1.0.0"]
    assert found(version_range=VersionRange.parse("[1.5]")) == ["1.5.0"]
    assert found(tag="rc") == ["1.5.0-rc.1"]
    assert found(include_prerelease=False, limit=2) == ["2.0.0", "1.5.0"]
    assert found(version_range="", limit=1) == ["2.0.0"]


def test_looking_up(django_assert_num_queries: object) -> None:
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Core", "2.0.0")
    space = default_space()
    row = find_version(space, "acme.web", "1.0")
    assert row is not None
    assert find_version(space, "acme.web", "what") is None
    assert find_version(make_space(), "acme.web", "1.0") is None
    pairs = [("Acme.Web", "1.0.0.0"), ("acme.core", "2"), ("None", "1.0"), ("Acme.Web", "2.0.0")]
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = find_versions(space, pairs)
    assert set(found) == set(pairs[:2])


def test_ids_and_the_version_before() -> None:
    make_package("Acme.Web", "1.0.0")
    newest = make_package("Acme.Web", "2.0.0")
    make_package("Other", "1.0.0")
    rows = package_ids(default_space(), "WEB")
    assert [(row.package_id, row.version) for row in rows] == [("Acme.Web", "2.0.0")]
    assert len(package_ids(default_space())) == 2
    before = previous_version(newest)
    assert before is not None
    assert before.version == "1.0.0"
    assert previous_version(before) is None
