"""Where requests that steps send may go."""

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.settings_rows import get_setting, set_setting

ALLOW_LOOPBACK = "http_request.allow_loopback"


def allows_loopback() -> bool:
    """Return whether steps may call services on the server's own machine."""
    return bool(get_setting(ALLOW_LOOPBACK, default=False))


def set_allow_loopback(*, actor: Actor, allowed: bool, clock: Clock = utc_now) -> None:
    """Let steps call services on the server's own machine, or not."""
    require_system(actor, Permission.ConfigureServer)
    with transaction.atomic():
        before = allows_loopback()
        set_setting(ALLOW_LOOPBACK, allowed)
        record(
            actor=actor,
            space=None,
            category="Modified",
            message="Where requests of steps may go was changed",
            subject="serverconfiguration",
            before={"AllowLoopback": before},
            after={"AllowLoopback": allowed},
            clock=clock,
        )
