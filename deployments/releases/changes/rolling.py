"""Which releases a deployment brings, and whether it goes forward or back; pure."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol, TypeVar

from agent.versions import Version


class Mode(StrEnum):
    DEPLOY = "Deploy"
    REDEPLOY = "Redeploy"
    ROLLBACK = "Rollback"


class Versioned(Protocol):
    """A release, as far as its number goes."""

    @property
    def version(self) -> str: ...


R = TypeVar("R", bound=Versioned)


def mode_of(current: str | None, version: str) -> Mode:
    """Return what deploying a version means where `current` was deployed successfully last."""
    if current is None:
        return Mode.DEPLOY
    now, new = Version.parse(current), Version.parse(version)
    if new == now:
        return Mode.REDEPLOY
    return Mode.ROLLBACK if new < now else Mode.DEPLOY


def brought(releases: Iterable[R], *, current: str | None, version: str) -> list[R]:
    """Return the releases above `current` up to `version`, oldest first.

    Pre-releases do not add up: one brings itself alone, and a release none of them. Where nothing
    is yet the release brings itself alone; the same one again, or an older one, brings nothing.
    """
    wanted = Version.parse(version)
    low = Version.parse(current) if current is not None else None
    if low is not None and wanted <= low:
        return []
    found = [(Version.parse(row.version), row) for row in releases]
    if wanted.prerelease or low is None:
        return [row for number, row in found if number == wanted]
    between = [pair for pair in found if low < pair[0] <= wanted and not pair[0].prerelease]
    return [row for _, row in sorted(between, key=lambda pair: pair[0])]
