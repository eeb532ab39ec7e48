"""Reading a version by the rules of the place it comes from."""

from __future__ import annotations

import re

from agent.versions.docker_tags import parse_docker_tag
from agent.versions.maven import parse_maven_version
from agent.versions.version import InvalidVersion, Scheme, Version

_NUMBERED = re.compile(r"[vV]?[0-9]")
_PARSERS = {
    Scheme.SEMVER: Version.parse,
    Scheme.DOCKER: parse_docker_tag,
    Scheme.MAVEN: parse_maven_version,
}


def read_version(text: str, scheme: Scheme = Scheme.SEMVER) -> Version:
    """Read a version of that scheme. Raises InvalidVersion."""
    return _PARSERS[scheme](text)


def try_read_any(text: str) -> Version | None:
    """Read a version where nothing says by which rules: a semantic one, else a tag with a number.

    What Maven calls a version is nearly always a tag as well, if not with the order of Maven.
    """
    version = Version.try_parse(text)
    if version is None and _NUMBERED.match(text.strip()):
        version = try_read_version(text, Scheme.DOCKER)
    return version


def try_read_version(text: str, scheme: Scheme = Scheme.SEMVER) -> Version | None:
    """Read a version of that scheme, or answer None when the text is none."""
    try:
        return read_version(text, scheme)
    except InvalidVersion:
        return None
