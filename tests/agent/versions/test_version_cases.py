"""Versions against tables, one file of cases per subject."""

import itertools
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.versions import (
    FloatingVersion,
    InvalidFileName,
    InvalidTagPattern,
    InvalidVersion,
    InvalidVersionRange,
    Scheme,
    Version,
    VersionRange,
    Versions,
    doubt_about,
    is_mask,
    matches_tag,
    next_version,
    parse_file_name,
    read_filter,
    read_range,
    read_version,
)
from agent.versions.docker_tags import parse_docker_tag
from agent.versions.maven import parse_maven_version

CASES = Path(__file__).parents[2] / "cases" / "versions"


def cases(subject: str) -> list[Any]:
    return list(json.loads((CASES / f"{subject}.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("case", cases("parse"), ids=lambda case: case["text"][:40])
def test_parse(case: dict[str, Any]) -> None:
    if case.get("invalid"):
        with pytest.raises(InvalidVersion):
            Version.parse(case["text"])
        assert Version.try_parse(case["text"]) is None
        return
    version = Version.parse(case["text"])
    assert version.normalized == case["normalized"]
    assert version.full == case.get("full", version.normalized)
    assert version.original == str(version) == case.get("original", case["text"])
    assert version.is_prerelease is case.get("prerelease", "-" in case["normalized"])
    if "semver2" in case:
        assert version.is_semver2 is case["semver2"]
    assert Version.parse(version.full) == version


@pytest.mark.parametrize("case", cases("order"), ids=str)
def test_order(case: dict[str, list[str]]) -> None:
    if "equal" in case:
        versions = {Version.parse(text) for text in case["equal"]}
        assert len(versions) == 1
        assert len({Version.parse(text).key for text in case["equal"]}) == 1
        return
    versions_in_order = [Version.parse(text) for text in case["ascending"]]
    assert all(low < high for low, high in itertools.pairwise(versions_in_order))
    assert len(set(versions_in_order)) == len(versions_in_order)
    keys = [version.sort_key for version in versions_in_order]
    assert sorted(keys) == keys


def require_contents(case: dict[str, Any], some: Versions, scheme: Scheme) -> None:
    for text, expected in [
        *((text, True) for text in case["contains"]),
        *((text, False) for text in case["excludes"]),
    ]:
        assert some.contains(read_version(text, scheme)) is expected, text


@pytest.mark.parametrize("case", cases("ranges"), ids=lambda case: case["range"])
def test_range(case: dict[str, Any]) -> None:
    scheme = Scheme(case.get("scheme", Scheme.SEMVER))
    parse: Callable[[str], VersionRange] = partial(read_range, scheme=scheme)
    if "scheme" not in case:
        parse = VersionRange.parse_maven if case.get("maven") else VersionRange.parse
    if case.get("invalid"):
        with pytest.raises(InvalidVersionRange):
            parse(case["range"])
        return
    version_range = parse(case["range"])
    require_contents(case, version_range, scheme)
    if "normalized" in case:
        assert version_range.normalized == case["normalized"]


@pytest.mark.parametrize("case", cases("floating"), ids=lambda case: case["range"])
def test_floating(case: dict[str, Any]) -> None:
    if case.get("invalid"):
        with pytest.raises(InvalidVersionRange):
            FloatingVersion.parse(case["range"])
        return
    floating = FloatingVersion.parse(case["range"])
    require_contents(case, floating, Scheme.SEMVER)
    assert str(read_filter(case["range"])) == case["range"].strip()


@pytest.mark.parametrize(
    ("scheme", "case"),
    [(scheme, case) for scheme in ("docker_tags", "maven") for case in cases(scheme)],
    ids=str,
)
def test_other_scheme(scheme: str, case: dict[str, Any]) -> None:
    parse = {"docker_tags": parse_docker_tag, "maven": parse_maven_version}[scheme]
    if case.get("invalid"):
        with pytest.raises(InvalidVersion):
            parse(case["text"])
    elif "text" in case:
        version = parse(case["text"])
        assert list(version.numbers) == case["numbers"]
        assert version.prerelease == case["prerelease"]
        assert version.is_prerelease is case.get("is_prerelease", bool(case["prerelease"]))
        shown = {version.original, version.normalized, version.full, version.key}
        assert shown == {case["text"].strip()}
    elif "same" in case:
        versions = [parse(text) for text in case["same"]]
        assert all(versions[0].same_precedence(each) for each in versions)
        assert len(set(versions)) == len(set(case["same"]))
    else:
        for low, high in itertools.combinations([parse(text) for text in case["ascending"]], 2):
            assert low.precedence < high.precedence
            assert not high.precedence < low.precedence
            assert low < high


@pytest.mark.parametrize("case", cases("masks"), ids=lambda case: case["mask"])
def test_mask(case: dict[str, Any]) -> None:
    if "is_mask" in case:
        assert is_mask(case["mask"]) is case["is_mask"]
    elif case.get("invalid"):
        with pytest.raises(InvalidVersion):
            next_version(case["mask"], [])
    else:
        previous = [Version.parse(text) for text in case["previous"]]
        assert next_version(case["mask"], previous) == case["next"]


@pytest.mark.parametrize("case", cases("tags"), ids=lambda case: f"{case['version']}~{case['tag']}")
def test_tag(case: dict[str, Any]) -> None:
    version = Version.parse(case["version"])
    if case.get("invalid"):
        with pytest.raises(InvalidTagPattern):
            matches_tag(version, case["tag"])
    else:
        assert matches_tag(version, case["tag"]) is case["matches"]


@pytest.mark.parametrize("case", cases("file_names"), ids=lambda case: case["name"][:40])
def test_file_name(case: dict[str, Any]) -> None:
    if case.get("invalid"):
        with pytest.raises(InvalidFileName, match=case.get("says")):
            parse_file_name(case["name"])
        return
    name = parse_file_name(case["name"])
    assert (name.package_id, name.version.original, name.extension) == (
        case["id"],
        case["version"],
        case["extension"],
    )
    doubt = doubt_about(name)
    assert bool(doubt) is ("meant" in case)
    assert not doubt or doubt.endswith(f"call the file {case['meant']}.")
