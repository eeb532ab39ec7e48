"""What `tentacle status` shows, read from the state folder."""

import os
from pathlib import Path
from typing import Any

from agent.runtime import config, platform
from agent.runtime.daemon import hold_instance
from agent.runtime.journal import entries_on_disk
from agent.runtime.upgrade.program import Versions, own_program
from agent.version import VERSION


def status_of(home: Path) -> dict[str, Any]:
    """Return registration, whether a daemon runs, and the commands on disk."""
    settled, _ = config.load(home)
    folder = home / "cmd"
    held = [path for path in folder.glob("*/lock") if platform.is_locked(path)]
    return {
        "name": settled.name,
        "machine": settled.machine_id,
        "server": settled.server_url,
        "gateway": settled.gateway_url,
        "home": str(home),
        "version": Versions(home).current_version(own_program()) or VERSION,
        "running": _is_running(home),
        "commands": sum(not entry.is_tombstone for entry in entries_on_disk(home / "journal")),
        "executing": len(held),
    }


def _is_running(home: Path) -> bool:
    try:
        os.close(hold_instance(home))
    except config.ConfigError:
        return True
    return False
