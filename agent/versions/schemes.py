"""Reading a version by the rules of the place it comes from."""

from __future__ import annotations

from agent.versions.docker_tags import parse_docker_tag
from agent.versions.maven import parse_maven_version
from agent.versions.version import InvalidVersion, Scheme, Version

_PARSERS = {
    Scheme.SEMVER: Version.parse,
    Scheme.DOCKER: parse_docker_tag,
    Scheme.MAVEN: parse_maven_version,
}


def read_version(text: str, scheme: Scheme = Scheme.SEMVER) -> Version:
    """Read a version of that scheme. Raises InvalidVersion."""
    return _PARSERS[scheme](text)


def try_read_any(text: str) -> Version | None:
    """Read a version of whatever scheme where nothing says which: a semantic one, else a tag.

    What Maven calls a version is nearly always a tag as well, if not with the order of Maven.
    """
    return Version.try_parse(text) or try_read_version(text, Scheme.DOCKER)


def try_read_version(text: str, scheme: Scheme = Scheme.SEMVER) -> Version | None:
    """Read a version of that scheme, or answer None when the text is none."""
    try:
        return read_version(text, scheme)
    except InvalidVersion:
        return None
