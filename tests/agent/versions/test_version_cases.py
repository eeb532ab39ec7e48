"""Versions against tables, one file of cases per subject."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from agent.versions import (
    InvalidFileName,
    InvalidTagPattern,
    InvalidVersion,
    InvalidVersionRange,
    Version,
    VersionRange,
    is_mask,
    matches_tag,
    next_version,
    parse_file_name,
)

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


@pytest.mark.parametrize("case", cases("ranges"), ids=lambda case: case["range"])
def test_range(case: dict[str, Any]) -> None:
    parse = VersionRange.parse_maven if case.get("maven") else VersionRange.parse
    if case.get("invalid"):
        with pytest.raises(InvalidVersionRange):
            parse(case["range"])
        return
    version_range = parse(case["range"])
    assert [v for v in case["contains"] if not version_range.contains(Version.parse(v))] == []
    assert [v for v in case["excludes"] if version_range.contains(Version.parse(v))] == []
    if "normalized" in case:
        assert version_range.normalized == case["normalized"]


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
        with pytest.raises(InvalidFileName):
            parse_file_name(case["name"])
        return
    name = parse_file_name(case["name"])
    assert (name.package_id, name.version.original, name.extension) == (
        case["id"],
        case["version"],
        case["extension"],
    )
