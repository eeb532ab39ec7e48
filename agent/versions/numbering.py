"""The variables that a release-number template may use."""

from __future__ import annotations

import re

from agent.versions.version import Version

_PREFIX = "Octopus.Version."
_TRAILING_NUMBER = re.compile(r"(.*?)([0-9]{1,18})", re.DOTALL)


def version_variables(last: Version | None) -> dict[str, str]:
    """Give `Octopus.Version.Last…` and `…Next…` for the version of the latest release.

    Without one every last number is 0 and every next one 1. Build is the older name of Patch.
    """
    major, minor, patch, revision = last.numbers if last is not None else (0, 0, 0, 0)
    suffix = last.prerelease if last is not None else ""
    numbers = {
        "Major": major,
        "Minor": minor,
        "Patch": patch,
        "Build": patch,
        "Revision": revision,
    }
    variables: dict[str, str] = {}
    for name, number in numbers.items():
        variables[f"{_PREFIX}Last{name}"] = str(number)
        variables[f"{_PREFIX}Next{name}"] = str(number + 1)
    variables[f"{_PREFIX}LastSuffix"] = suffix
    variables[f"{_PREFIX}NextSuffix"] = _next_suffix(suffix)
    return variables


def _next_suffix(suffix: str) -> str:
    match = _TRAILING_NUMBER.fullmatch(suffix)
    if match is None:
        return suffix
    text, digits = match.groups()
    return f"{text}{int(digits) + 1:0{len(digits)}d}"
