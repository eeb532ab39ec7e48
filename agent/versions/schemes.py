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


def try_read_version(text: str, scheme: Scheme = Scheme.SEMVER) -> Version | None:
    """Read a version of that scheme, or answer None when the text is none."""
    try:
        return read_version(text, scheme)
    except InvalidVersion:
        return None
