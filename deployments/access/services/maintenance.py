"""Maintenance mode: only administrators of the system may write; what runs goes on to its end."""

from dataclasses import dataclass
from typing import Final

from django.db import transaction

from deployments.access.grants import load_grants
from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.settings_rows import MAINTENANCE, forget_setting, get_setting, set_setting

LONGEST_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Since when (ISO), by whom and why."""

    since: str
    by: str
    reason: str = ""

    @property
    def sentence(self) -> str:
        """What people are told who may not write now."""
        text = "The server is in maintenance mode: only its administrators may change anything now."
        return f"{text} {self.reason}".strip()


def maintenance() -> Maintenance | None:
    """Return the maintenance that is going on; None in normal operation."""
    kept = get_setting(MAINTENANCE)
    return None if kept is None else Maintenance(**kept)


def may_write_in_maintenance(actor: Actor | None) -> bool:
    """Tell whether the actor is one of those for whom maintenance mode is there."""
    if not actor:
        return False
    return load_grants(actor, None).allows_system(Permission.AdministerSystem)


def set_maintenance(
    *, actor: Actor, is_on: bool, reason: str = "", clock: Clock = utc_now
) -> Maintenance | None:
    """Switch maintenance mode on, with a reason for people to read, or off. Raises Invalid."""
    require_system(actor, Permission.AdministerSystem)
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise Invalid(fields={"Reason": [f"At most {LONGEST_REASON} characters."]})
    with transaction.atomic():
        before = maintenance()
        after = None
        if is_on:
            since, by = clock().isoformat(), actor.display_name
            if before is not None:
                since, by = before.since, before.by
            after = Maintenance(since, by, reason)
            set_setting(MAINTENANCE, {"since": since, "by": by, "reason": reason})
        else:
            forget_setting(MAINTENANCE)
        if after == before:
            return after
        record(
            actor=actor,
            space=None,
            category="Modified",
            message=f"Maintenance mode was switched {'on' if is_on else 'off'}",
            subject="maintenanceconfiguration",
            before=_shown(before),
            after=_shown(after),
            clock=clock,
        )
    return after


def _shown(state: Maintenance | None) -> dict[str, object]:
    return {"IsInMaintenanceMode": state is not None, "Reason": state.reason if state else ""}
