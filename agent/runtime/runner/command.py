"""What the runner has to do, read from the header and the spec that the daemon gives."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_SPOOL_CAP = 256 * 1024 * 1024
DEFAULT_GRACE_S = 10.0
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose file lies verified in the cache; a fresh one came for this command.

    `arrival` is the way it came, with so many bytes `sent`: kept, whole, zstd or files; empty when
    an earlier daemon fetched it.
    """

    name: str
    package_id: str
    version: str
    extension: str
    sha256: str
    size: int
    extract: bool
    path: Path
    is_fresh: bool = False
    arrival: str = ""
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """`deadline_s` None means no deadline."""

    deadline_s: float | None
    grace_s: float
    spool_cap: int


@dataclass(frozen=True, slots=True)
class Command:
    id: str
    kind: str
    directory: Path
    variables: tuple[tuple[str, str, bool], ...]
    packages: tuple[Package, ...]
    output_key: bytes | None
    mask: tuple[str, ...]
    # What the server found wrong with the variables, for the log.
    warnings: tuple[str, ...] = ()

    @property
    def home(self) -> Path:
        """The state directory of the agent."""
        return self.directory.parent.parent

    @property
    def work(self) -> Path:
        """The working directory of the command."""
        return self.directory / "work"

    @property
    def primary(self) -> Package | None:
        return next((package for package in self.packages if not package.name), None)

    @property
    def references(self) -> tuple[Package, ...]:
        return tuple(package for package in self.packages if package.name)


def read_limits(header: dict[str, Any]) -> Limits:
    """Return the limits, with the defaults where the header has none."""
    values = header.get("limits") or {}
    deadline, grace = values.get("deadline_s"), values.get("grace_s")
    return Limits(
        deadline_s=None if deadline is None else float(deadline),
        grace_s=DEFAULT_GRACE_S if grace is None else float(grace),
        spool_cap=int(values.get("spool_cap") or DEFAULT_SPOOL_CAP),
    )


def read_command(cmd_dir: Path, header: dict[str, Any], spec: dict[str, Any]) -> Command:
    """Return the command; raise ValueError, TypeError or KeyError for a malformed spec."""
    key = spec.get("output_key")
    arrivals = header.get("arrivals") or {}
    return Command(
        id=str(header.get("id") or cmd_dir.name),
        kind=str(header.get("kind") or "script"),
        directory=cmd_dir,
        variables=tuple(
            (str(name), "" if value is None else str(value), bool(sensitive))
            for name, value, sensitive in spec.get("variables") or ()
        ),
        packages=tuple(
            _read_package(cmd_dir, entry, arrivals) for entry in spec.get("packages") or ()
        ),
        output_key=base64.b64decode(key, validate=True) if key else None,
        mask=tuple(str(text) for text in spec.get("mask") or ()),
        warnings=tuple(str(text) for text in spec.get("warnings") or ()),
    )


def _read_package(cmd_dir: Path, entry: dict[str, Any], arrivals: dict[str, Any]) -> Package:
    sha256 = str(entry["sha256"])
    if not _SHA256.fullmatch(sha256):
        raise ValueError("a package has no valid sha256")
    arrival = arrivals.get(sha256) or {}
    return Package(
        name=str(entry.get("name") or ""),
        package_id=str(entry["package_id"]),
        version=str(entry["version"]),
        extension=str(entry.get("extension") or ""),
        sha256=sha256,
        size=int(entry.get("size") or 0),
        extract=bool(entry.get("extract", True)),
        path=cmd_dir.parent.parent / "packages" / sha256,
        is_fresh=entry.get("fresh") is True,
        arrival=str(arrival.get("way") or ""),
        sent=int(arrival.get("sent") or 0),
    )
