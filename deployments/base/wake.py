"""Wake-ups: hints sent after commit; a lost one only costs a sweep interval."""

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from deployments.base.redis import try_redis

log = structlog.get_logger(__name__)

MAILBOX_CHANNEL = "octopus:mailbox"

_is_silent = False


def stay_silent() -> None:
    """Send no wake-ups from this process: it sets up a server that need not run yet."""
    global _is_silent  # noqa: PLW0603 once, by a command that ends soon
    _is_silent = True


def wake(name: str, *args: int | str) -> None:
    """Send the Celery task `name` with plain arguments once the transaction has committed."""
    transaction.on_commit(lambda: _send(name, args), robust=True)


def wake_now(name: str, *args: int | str) -> None:
    """Send the Celery task `name` at once, outside any transaction."""
    _send(name, args)


def publish(channel: str, message: str) -> None:
    """Publish a wake-up on a Redis channel once the transaction has committed."""
    transaction.on_commit(lambda: _publish(channel, message), robust=True)


def _send(name: str, args: tuple[int | str, ...]) -> None:
    if _is_silent:
        return
    # Celery's own connection tries for seconds while Redis is away; nobody shall wait for that.
    if not try_redis(lambda client: client.ping(), otherwise=False):
        log.warning("wake-up not sent; the sweep will do it", task=name, error="Redis is away")
        return
    try:
        current_app.send_task(name, args=args, retry=False, ignore_result=True)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("wake-up not sent; the sweep will do it", task=name, error=str(error))


def _publish(channel: str, message: str) -> None:
    try_redis(lambda client: client.publish(channel, message), None)
