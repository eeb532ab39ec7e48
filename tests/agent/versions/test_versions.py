"""What the tables of cases cannot say: laws of the order, template variables, hostile input."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.versions import (
    InvalidFileName,
    Version,
    VersionRange,
    is_package_id,
    matches_rule,
    parse_file_name,
    version_variables,
)

labels = st.lists(
    st.sampled_from(["0", "1", "01", "10", "a", "B", "a-b", "2147483648"]), max_size=3
)
numbers = st.lists(st.integers(0, 12), min_size=1, max_size=4)


def _text(parts: list[int], prerelease: list[str], metadata: list[str]) -> str:
    text = ".".join(map(str, parts))
    text += f"-{'.'.join(prerelease)}" if prerelease else ""
    return text + (f"+{'.'.join(metadata)}" if metadata else "")


versions = st.builds(_text, numbers, labels, labels).map(Version.parse)


@given(first=versions, second=versions)
def test_keys_agree_with_the_order(first: Version, second: Version) -> None:
    assert (first.sort_key < second.sort_key) is (first.precedence < second.precedence)
    assert (first.sort_key == second.sort_key) is first.same_precedence(second)
    assert (first.key == second.key) is (first == second)
    assert (hash(first) == hash(second)) or first != second
    assert sum((first < second, first == second, first > second)) == 1


@given(version=versions)
def test_full_text_reads_back(version: Version) -> None:
    assert Version.parse(version.full) == version
    assert Version.parse(version.original) == version


@given(text=st.text(max_size=40))
def test_any_text_is_a_version_or_refused(text: str) -> None:
    version = Version.try_parse(text)
    assert version is None or Version.parse(version.full) == version


def test_a_version_differs_from_other_things() -> None:
    assert Version.parse("1.0") != "1.0"
    with pytest.raises(TypeError):
        _ = Version.parse("1.0") < "1.0"


def test_variables_of_a_first_release() -> None:
    variables = version_variables(None)
    assert variables["Octopus.Version.LastMajor"] == "0"
    assert variables["Octopus.Version.NextPatch"] == "1"
    assert variables["Octopus.Version.LastSuffix"] == variables["Octopus.Version.NextSuffix"] == ""


def test_variables_after_a_release() -> None:
    assert version_variables(Version.parse("1.2.3.4-beta.9+x")) == {
        "Octopus.Version.LastMajor": "1",
        "Octopus.Version.LastMinor": "2",
        "Octopus.Version.LastPatch": "3",
        "Octopus.Version.LastBuild": "3",
        "Octopus.Version.LastRevision": "4",
        "Octopus.Version.LastSuffix": "beta.9",
        "Octopus.Version.NextMajor": "2",
        "Octopus.Version.NextMinor": "3",
        "Octopus.Version.NextPatch": "4",
        "Octopus.Version.NextBuild": "4",
        "Octopus.Version.NextRevision": "5",
        "Octopus.Version.NextSuffix": "beta.10",
    }


@pytest.mark.parametrize(
    ("suffix", "following"), [("beta", "beta"), ("rc1", "rc2"), ("rc09", "rc10"), ("9", "10")]
)
def test_next_suffix(suffix: str, following: str) -> None:
    last = Version.parse(f"1.0-{suffix}")
    assert version_variables(last)["Octopus.Version.NextSuffix"] == following


def test_matches_rule_needs_range_and_tag() -> None:
    version_range = VersionRange.parse("[1.0,2.0)")
    assert matches_rule(Version.parse("1.5"), version_range, "^$")
    assert not matches_rule(Version.parse("1.5-a"), version_range, "^$")
    assert not matches_rule(Version.parse("2.5"), version_range, "^$")
    assert matches_rule(Version.parse("2.5"), None, "")


def test_range_says_whether_prereleases_are_meant() -> None:
    assert VersionRange.parse("[1.0-a,2.0)").admits_prerelease
    assert not VersionRange.parse("[1.0,2.0)").admits_prerelease


@pytest.mark.parametrize("package_id", ["a", "Acme.Web", "a_b-c.d", "7zip", "a" * 100])
def test_package_ids(package_id: str) -> None:
    assert is_package_id(package_id)


@pytest.mark.parametrize(
    "package_id",
    ["", ".", "..", "a.", ".a", "a..b", "a b", "a/b", "é", "a" * 101, "nul", "CON", "a\n", "a#b"],
)
def test_refused_package_ids(package_id: str) -> None:
    assert not is_package_id(package_id)


name_pieces = st.lists(st.sampled_from(["a", "_", ".", "-", "1", "0", "+", "b2"]), max_size=10)
REFERENCE_SPLIT = re.compile(
    r"(?P<id>\w+(?:[_.-]\w+)*?)\."
    r"(?P<version>[0-9]+(?:\.[0-9]+){0,3}"
    r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)",
    re.ASCII,
)


@given(stem=name_pieces.map("".join))
def test_split_agrees_with_the_lazy_rule_on_short_names(stem: str) -> None:
    expected = REFERENCE_SPLIT.fullmatch(stem)
    try:
        name = parse_file_name(f"{stem}.zip")
    except InvalidFileName:
        assert expected is None
        return
    assert expected is not None
    assert name.package_id == expected.group("id")
    assert name.version.original == expected.group("version")


def test_hostile_names_and_versions_are_refused_quickly() -> None:
    started = time.process_time()
    for name in ("a_" * 120 + "!.zip", "a.1" * 80 + "!.zip", "." * 250 + "zip", "1." * 120 + "zip"):
        with pytest.raises(InvalidFileName):
            parse_file_name(name)
    for text in ("1" * 1_000_000, "1." * 250 + "x", "1-" + "a." * 250, "1" * 500):
        assert Version.try_parse(text) is None
    assert time.process_time() - started < 1
