"""The one factory of Redis clients: command, blocking and asyncio profiles.

Redis may be flushed at any instant; nothing here is truth.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import redis
import redis.asyncio
from django.conf import settings

_MOST_CONNECTIONS = 1000
# After a failure nobody waits for Redis again before this has passed.
REST_AFTER_FAILURE = 5.0
_T = TypeVar("_T")


class Rest:
    """Until when (monotonic) this process leaves Redis alone."""

    until = 0.0


def try_redis(work: Callable[["redis.Redis"], _T], otherwise: _T) -> _T:
    """Do something with Redis; give `otherwise` when it is away, at once for a while after that.

    A Redis that answers nothing costs each caller its time-out, and a busy server calls often.
    """
    if time.monotonic() < Rest.until:
        return otherwise
    try:
        return work(command_client())
    except (redis.RedisError, OSError):
        Rest.until = time.monotonic() + REST_AFTER_FAILURE
        return otherwise


@cache
def command_client() -> "redis.Redis":
    """Return the shared client for short commands; fails fast."""
    return redis.Redis.from_url(
        settings.OCTOPUS.redis_url,
        socket_timeout=2,
        socket_connect_timeout=1,
        max_connections=_MOST_CONNECTIONS,
        retry=None,
    )


def asyncio_client() -> "redis.asyncio.Redis":
    """Return a new client for subscriptions and blocking reads in an event loop."""
    return redis.asyncio.Redis.from_url(
        settings.OCTOPUS.redis_url,
        socket_timeout=None,
        socket_connect_timeout=2,
        max_connections=_MOST_CONNECTIONS,
    )
