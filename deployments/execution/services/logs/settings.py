"""The server's settings about logs: when they are archived, how much a script may print."""

from dataclasses import dataclass
from typing import Final

from django.db import transaction

from agent.contracts import limits
from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.settings_rows import get_setting, set_setting

SETTING: Final = "execution.logs"
MIB: Final = 1024 * 1024
_MOST_DAYS: Final = 3650
_MOST_OUTPUT_MIB: Final = 100 * 1024


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`archive_after_days` 0 archives nothing; a command may print `largest_output_mib` MiB."""

    archive_after_days: int = 7
    largest_output_mib: int = limits.SPOOL_CAP // MIB


def log_settings() -> LogSettings:
    """Return the settings."""
    stored = get_setting(SETTING, {})
    known = {name: stored[name] for name in LogSettings.__slots__ if name in stored}
    return LogSettings(**known)


def save_log_settings(
    *, actor: Actor, settings: LogSettings, clock: Clock = utc_now
) -> LogSettings:
    """Store the settings. Raises Invalid."""
    require_system(actor, Permission.ConfigureServer)
    problems = {}
    if not 0 <= settings.archive_after_days <= _MOST_DAYS:
        problems["ArchiveAfterDays"] = [f"Give a number of days from 0 to {_MOST_DAYS}."]
    if not 1 <= settings.largest_output_mib <= _MOST_OUTPUT_MIB:
        problems["LargestOutput"] = [f"Give a size from 1 to {_MOST_OUTPUT_MIB} MiB."]
    if problems:
        raise Invalid(fields=problems)
    with transaction.atomic():
        before = log_settings()
        set_setting(
            SETTING,
            {
                "archive_after_days": settings.archive_after_days,
                "largest_output_mib": settings.largest_output_mib,
            },
        )
        record(
            actor=actor,
            space=None,
            category="Modified",
            message="The settings of task logs were changed",
            subject="serverconfiguration",
            before=_document(before),
            after=_document(settings),
            clock=clock,
        )
    return settings


def _document(settings: LogSettings) -> dict[str, int]:
    return {
        "ArchiveAfterDays": settings.archive_after_days,
        "LargestOutputMiB": settings.largest_output_mib,
    }
