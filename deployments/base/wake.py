"""Wake-ups: hints sent after commit; a lost one only costs a sweep interval."""

import time

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from deployments.base.redis import try_redis

log = structlog.get_logger(__name__)

MAILBOX_CHANNEL = "octopus:mailbox"
_PAUSE_S = 0.1

_is_silent = False
# Until when a task that this process has sent with a delay is surely still to come, by its mark.
_to_come: dict[str, float] = {}


def stay_silent() -> None:
    """Send no wake-ups from this process: it sets up a server that need not run yet."""
    global _is_silent  # noqa: PLW0603 once, by a command that ends soon
    _is_silent = True


def wake(name: str, *args: int | str) -> None:
    """Send the Celery task `name` with plain arguments once the transaction has committed."""
    transaction.on_commit(lambda: _send(name, args), robust=True)


def wake_often(name: str, *args: int | str) -> None:
    """Do the same for what is woken many times a second: not more than twice in `_PAUSE_S`.

    The first sends the task at once, the second one for the end of the pause, and whoever comes
    meanwhile leaves it to that.
    """
    transaction.on_commit(lambda: _send_often(name, args), robust=True)


def wake_now(name: str, *args: int | str) -> None:
    """Send the Celery task `name` at once, outside any transaction."""
    _send(name, args)


def publish(channel: str, message: str) -> None:
    """Publish a wake-up on a Redis channel once the transaction has committed."""
    transaction.on_commit(lambda: _publish(channel, message), robust=True)


def _send_often(name: str, args: tuple[int | str, ...]) -> None:
    if _is_silent:
        return
    mark = ":".join(("octopus:woken", name, *map(str, args)))
    now = time.monotonic()
    if now < _to_come.get(mark, 0.0):
        return
    if _is_first(f"{mark}:now"):
        _send(name, args)
    elif _is_first(f"{mark}:later") and _send(name, args, after_s=_PAUSE_S):
        _to_come[mark] = now + _PAUSE_S


def _is_first(mark: str) -> bool:
    """Tell whether nobody has set the mark in this pause; whoever finds no Redis is the first."""
    milliseconds = int(_PAUSE_S * 1000)
    return try_redis(lambda client: bool(client.set(mark, 1, nx=True, px=milliseconds)), True)


def _send(name: str, args: tuple[int | str, ...], *, after_s: float | None = None) -> bool:
    """Send the task; tells whether it was sent."""
    if _is_silent:
        return False
    # Celery's own connection tries for seconds while Redis is away; nobody shall wait for that.
    if not try_redis(lambda client: client.ping(), otherwise=False):
        log.warning("wake-up not sent; the sweep will do it", task=name, error="Redis is away")
        return False
    try:
        current_app.send_task(name, args=args, countdown=after_s, retry=False, ignore_result=True)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("wake-up not sent; the sweep will do it", task=name, error=str(error))
        return False
    return True


def _publish(channel: str, message: str) -> None:
    try_redis(lambda client: client.publish(channel, message), None)
