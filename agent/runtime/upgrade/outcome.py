"""How far the last upgrade came; told to the server at every welcome."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.contracts.messages import UpgradeState
from agent.runtime.config import write_private

FINAL = frozenset({"done", "failed", "refused"})
_FILE = "upgrade.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An upgrade to a program; stages: downloading, checking, trying, done, failed, refused."""

    version: str
    sha256: str
    stage: str
    detail: str = ""
    request: str = ""

    def message(self) -> UpgradeState:
        """Return what the server is told."""
        return UpgradeState(
            version=self.version,
            stage=self.stage,
            detail=self.detail[:500],
            request=self.request,
        )


def read(home: Path) -> Outcome | None:
    """Return the last outcome, None if there is none that can be read."""
    try:
        return Outcome(**json.loads((home / _FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write(home: Path, outcome: Outcome) -> None:
    """Store the outcome; a full disk costs the memory of it, not more."""
    with contextlib.suppress(OSError):
        write_private(home / _FILE, json.dumps(asdict(outcome)) + "\n")
