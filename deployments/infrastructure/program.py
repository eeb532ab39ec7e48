"""The agent as one file, built from this server's own code once per version."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from agent.version import VERSION

PATH = "/agent/v1/tentacle.pyz"
_PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Program:
    """The file that agents are upgraded to."""

    version: str
    sha256: str
    size: int


def agent_program() -> Path:
    """Return the path of the built file; builds it when this version has none yet."""
    folder = Path(settings.OCTOPUS.data_dir) / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"tentacle-{VERSION}.pyz"
    digest = target.with_suffix(".pyz.sha256")
    if not target.exists() or not digest.exists():
        built = subprocess.run(
            [sys.executable, "-m", "agent.runtime.zipapp", str(target)],
            check=True,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
        )
        digest.write_text(built.stdout.strip(), encoding="ascii")
    return target


def digest_of(path: Path) -> str:
    """Return the SHA-256 (hex) of the built file."""
    return path.with_suffix(".pyz.sha256").read_text(encoding="ascii").strip()


def describe_program() -> Program:
    """Return version, hash and size of the file that this server offers."""
    path = agent_program()
    return Program(VERSION, digest_of(path), path.stat().st_size)
