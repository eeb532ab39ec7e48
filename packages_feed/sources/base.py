"""What every kind of external feed can be asked."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from agent.versions import Scheme, Version, try_read_version
from deployments.base.errors import Unavailable


class SourceFailed(Unavailable):
    """The feed does not answer, or not as its kind must; the text says what happened."""


class NotThere(SourceFailed):
    """The feed answers, and has no such thing."""


@dataclass(frozen=True, slots=True, repr=False)
class FeedPlace:
    """Where a feed is and how to sign in there; `folders` are those that may be read as feeds."""

    feed_type: str
    uri: str
    username: str = ""
    password: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    allow_loopback: bool = False
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A version that the feed has, as it is written there; `published` is the feed's own text."""

    version: str
    published: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A package that a search found."""

    package_id: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The bytes of a package on their way; `checksums` by name of the hash, in lower-case hex."""

    extension: str
    pieces: Iterator[bytes]
    checksums: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """One external feed. Every method raises SourceFailed."""

    def versions(self, package_id: str) -> list[Found]:
        """Return all listed versions in any order; raises NotThere for an unknown package."""

    def search(self, term: str, take: int) -> list[Hit]:
        """Return packages whose id contains the term."""

    def open(self, package_id: str, version: str) -> AbstractContextManager[Opened]:
        """Give the bytes of a version."""

    def notes(self, package_id: str, version: str) -> str:
        """Return the release notes, empty where the kind of feed has none."""

    def check(self) -> str:
        """Ask for what needs no package; return in a sentence what the answer says."""


def newest_first(found: Iterable[Found], scheme: Scheme = Scheme.SEMVER) -> list[Found]:
    """Return what can be read as a version, each once, newest first."""
    known: dict[str, tuple[Version, Found]] = {}
    for each in found:
        version = try_read_version(each.version, scheme)
        if version is not None:
            known.setdefault(version.key, (version, each))
    ordered = sorted(known.values(), key=lambda pair: pair[0], reverse=True)
    return [each for _, each in ordered]
