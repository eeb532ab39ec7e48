"""Remove what earlier deployments of the same step installed here, as the lifecycle says.

Rules: a failed deployment does not count and goes with the old ones; nothing goes before more than
the wanted number of earlier ones have succeeded; custom directories and directories that another
deployment's entry names are never touched.
"""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.history import Journal, retention_set

_ITEMS = "OctopusRetentionPolicyItemsToKeep"
_DAYS = "OctopusRetentionPolicyDaysToKeep"
_LEAST_DEPTH = 3
Entry = dict[str, Any]


class ApplyRetention:
    """Keep this deployment and some earlier ones; what cannot be removed stays for next time."""

    name = "Apply retention policy"

    def enabled(self, context: Context) -> bool:
        return bool(_number(context, _ITEMS) or _number(context, _DAYS))

    def run(self, context: Context) -> None:
        try:
            self._apply(context)
        except OSError as error:
            context.output.warning(f"Old deployments were not removed: {error}")

    def _apply(self, context: Context) -> None:
        journal = Journal(context.command.home)
        entries = journal.entries()
        own = retention_set(context)
        earlier = [
            entry
            for entry in entries
            if entry.get("retention_set") == own and entry.get("id") != context.command.id
        ]
        if items := _number(context, _ITEMS):
            context.output.info(f"Keeping this deployment and {items} earlier successful ones")
            doomed = beyond(earlier, items)
        else:
            days = _number(context, _DAYS)
            context.output.info(f"Keeping deployments of the last {days} days")
            doomed = older_than(earlier, datetime.now(UTC) - timedelta(days=days))
        if not doomed:
            context.output.info("There is nothing to remove")
            return
        gone = {id(entry) for entry in doomed}
        kept = _directories(entry for entry in entries if id(entry) not in gone)
        # Of this deployment, even if its own entry could not be written.
        kept |= {path for path in (context.installed, context.custom) if path is not None}
        removed = [entry for entry in doomed if _remove(context, entry, kept)]
        journal.forget({str(entry.get("id")) for entry in removed})


def beyond(earlier: list[Entry], items: int) -> list[Entry]:
    """Return the entries, oldest first, that are not among the newest successful ones."""
    successful = [entry for entry in earlier if entry.get("successful")]
    if len(successful) <= items:
        return []
    kept = {id(entry) for entry in successful[-items:]}
    return [entry for entry in earlier if id(entry) not in kept]


def older_than(earlier: list[Entry], moment: datetime) -> list[Entry]:
    """Return the entries that were installed before a moment."""
    found = []
    for entry in earlier:
        try:
            installed = datetime.fromisoformat(str(entry.get("installed_on")))
        except ValueError:
            continue
        if installed.tzinfo is not None and installed < moment:
            found.append(entry)
    return found


def _remove(context: Context, entry: Entry, kept: set[Path]) -> bool:
    """Return whether the entry may be forgotten."""
    context.control.check()
    directory = Path(str(entry.get("extracted_to") or ""))
    home = context.command.home
    is_safe = directory.is_absolute() and len(directory.parts) > _LEAST_DEPTH
    if not is_safe or ".." in directory.parts or home.is_relative_to(directory):
        return True
    if any(each.is_relative_to(directory) or directory.is_relative_to(each) for each in kept):
        context.output.verbose(f"{directory} belongs to another deployment too and stays")
        return True
    if directory.is_symlink() or not directory.is_dir():
        return True
    context.output.info(f"Removing {directory}")
    try:
        shutil.rmtree(directory)
    except (OSError, RecursionError) as error:
        context.output.verbose(f"{directory} could not be removed and stays for now: {error}")
        return False
    return True


def _directories(entries: Iterable[Entry]) -> set[Path]:
    fields = ("extracted_to", "custom_directory")
    return {Path(str(entry[name])) for entry in entries for name in fields if entry.get(name)}


def _number(context: Context, name: str) -> int:
    text = context.variables.get(name).strip()
    return int(text) if text.isascii() and text.isdigit() else 0
