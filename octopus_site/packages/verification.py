"""What a run of `packages verify` has found so far, kept so that the next one can go on."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from deployments.base.clock import utc_now
from deployments.base.settings_rows import forget_setting, get_setting, set_setting
from packages_feed.services.upkeep import Checked

SETTING: Final = "packages.verification"
LAST: Final = "packages.verified"
_SAVED_EVERY_S: Final = 5.0


@dataclass
class Run:
    """Counts by kind of problem, and the last file that was read."""

    place: str
    started: str
    after: str = ""
    checked: int = 0
    size: int = 0
    problems: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._saved = time.monotonic()

    @classmethod
    def begun(cls, place: str, *, anew: bool) -> Self:
        """Return the run that was broken off in this storage, or a new one."""
        stored: Any = get_setting(SETTING)
        if not anew and isinstance(stored, dict) and stored.get("place") == place:
            return cls(**stored)
        return cls(place, utc_now().strftime("%Y-%m-%d %H:%M UTC"))

    def count(self, checked: Checked) -> None:
        """Note one file; what has been counted is kept every few seconds."""
        self.after = checked.sha256
        self.checked += 1
        self.size += checked.size
        if checked.problem is not None:
            kind = str(checked.problem)
            self.problems[kind] = self.problems.get(kind, 0) + 1
        if time.monotonic() - self._saved >= _SAVED_EVERY_S:
            self.save()

    def save(self) -> None:
        """Keep the state for the next run."""
        set_setting(SETTING, asdict(self))
        self._saved = time.monotonic()

    def finish(self) -> None:
        """Let the next run begin at the first file, and keep what this one has found."""
        found = LastVerification(utc_now().isoformat(), self.checked, self.problems)
        set_setting(LAST, asdict(found))
        forget_setting(SETTING)


@dataclass(frozen=True, slots=True)
class LastVerification:
    """How the last run that came to its end went; `ended` is a time in ISO form."""

    ended: str
    checked: int
    problems: dict[str, int]

    @property
    def words(self) -> str:
        """The problems as one text; empty without one."""
        return ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.problems.items()))


def last_verification() -> LastVerification | None:
    """Return the last run that came to its end; None when there was none yet."""
    stored: Any = get_setting(LAST)
    return LastVerification(**stored) if isinstance(stored, dict) else None
