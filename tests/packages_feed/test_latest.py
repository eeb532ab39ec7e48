"""The table of latest versions always says what looking through all versions would say."""

import random
from collections.abc import Callable
from threading import Thread

import pytest

from agent.versions import Version
from deployments.base.threads import give_connection_back
from packages_feed.models import Latest, LatestVersion, PackageVersion
from packages_feed.queries import latest_keys, latest_with_words, words_of
from packages_feed.services import (
    delete_version,
    delete_versions,
    find_all_latest,
    set_listed,
)
from packages_feed.services.latest import find_latest
from packages_feed.services.retention import expire_versions
from tests.factories import default_space
from tests.factories.packages import make_package
from tests.factories.people import SYSTEM

VERSIONS = ("1.0.0", "1.0.1-rc.1", "1.0.1-beta", "2.0.0+build.1", "2.0.0+build.2", "0.9")


def shown(row: PackageVersion) -> bool:
    return row.listed and row.extension == ".nupkg"


CHOSEN: dict[Latest, Callable[[PackageVersion], bool]] = {
    Latest.OF_ALL: lambda _: True,
    Latest.PRERELEASE: shown,
    Latest.STABLE: lambda row: shown(row) and not row.is_prerelease,
    Latest.PRERELEASE_SEMVER1: lambda row: shown(row) and not row.is_semver2,
    Latest.STABLE_SEMVER1: lambda row: shown(row) and not row.is_prerelease and not row.is_semver2,
}


def rows() -> list[PackageVersion]:
    return list(PackageVersion.objects.in_space(default_space()))


def found() -> dict[tuple[str, int], int]:
    table = LatestVersion.objects.in_space(default_space())
    return {(row.id_lower, row.kind): row.version_id for row in table}


def expected() -> dict[tuple[str, int], int]:
    newest: dict[tuple[str, int], PackageVersion] = {}
    for row in rows():
        for kind, is_of in CHOSEN.items():
            other = newest.get((row.id_lower, kind.value))
            is_newer = other is None or Version.parse(other.version) < Version.parse(row.version)
            if is_of(row) and is_newer:
                newest[row.id_lower, kind.value] = row
    return {key: row.pk for key, row in newest.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_it_follows_every_change(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        there = rows()
        row = chance.choice(there) if there else None
        match chance.randrange(7):
            case 0 | 1 | 2:
                make_package(
                    chance.choice(("Acme.Web", "acme.web", "Acme.Core")),
                    chance.choice(VERSIONS),
                    extension=chance.choice((".nupkg", ".nupkg", ".zip")),
                    mode="OverwriteExisting",
                    content=str(chance.random()).encode(),
                )
            case 3 if row:
                set_listed(actor=SYSTEM, version=row, listed=not row.listed)
            case 4 if row:
                delete_version(actor=SYSTEM, version=row)
            case 5 if row:
                expire_versions(actor=SYSTEM, space=row.space, reasons={row.pk: "old"})
            case 6 if chance.random() < 0.2:
                delete_versions(actor=SYSTEM, versions=there)
        assert found() == expected()


@pytest.mark.django_db
def test_it_can_be_made_anew() -> None:
    for version in VERSIONS:
        make_package("Acme.Web", version)
    whole = found()
    LatestVersion.objects.in_space(default_space()).delete()
    find_all_latest()
    assert found() == whole == expected()


@pytest.mark.django_db
def test_it_has_the_words_of_the_version() -> None:
    space = default_space()
    make_package("Acme.Web", "1.0.0", description="Gives a pipe")
    row = make_package("Acme.Web", "1.1.0", description="Gives a wrench")

    def hits(text: str) -> list[int]:
        return [hit.version_id for hit in latest_with_words(space, Latest.STABLE, words_of(text))]

    assert (hits("WRENCH acme"), hits("pipe")) == ([row.pk], [])
    make_package("Acme.Web", "1.1.0", description="Gives a hammer", mode="OverwriteExisting")
    assert (hits("wrench"), hits("hammer")) == ([], [row.pk])
    assert latest_keys(space, [Latest.STABLE], ["acme.web"]) == {Latest.STABLE: {row.pk}}


@pytest.mark.django_db(transaction=True)
def test_competing_changes_leave_the_newest() -> None:
    problems: list[BaseException] = []

    def change(number: int) -> None:
        chance = random.Random(number)
        try:
            for turn in range(6):
                version = make_package("Acme.Web", f"1.{turn}.{number}")
                if chance.random() < 0.7:
                    delete_version(actor=SYSTEM, version=version)
                elif chance.random() < 0.5:
                    set_listed(actor=SYSTEM, version=version, listed=False)
        except BaseException as error:
            problems.append(error)
        finally:
            give_connection_back()

    threads = [Thread(target=change, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert found() == expected()


@pytest.mark.django_db
def test_a_package_that_is_gone_has_none() -> None:
    row = make_package("Acme.Web", "1.0.0")
    delete_version(actor=SYSTEM, version=row)
    find_latest(row.space, ["acme.web", "never.there"])
    assert found() == {}
