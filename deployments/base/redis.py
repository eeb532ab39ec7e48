"""The one factory of Redis clients: command, blocking and asyncio profiles.

Redis may be flushed at any instant; nothing here is truth.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def only_one(name: str, *, longest_s: int) -> Iterator[bool]:
    """Tell whether nobody else is within this `name`, so that slow work keeps one worker at most.

    Who takes longer than `longest_s`, and all without Redis, may be joined by another: it must do
    no harm.
    """
    key = f"octopus:only-one:{name}"
    is_first = try_redis(lambda client: bool(client.set(key, 1, nx=True, ex=longest_s)), True)
    try:
        yield is_first
    finally:
        if is_first:
            try_redis(lambda client: client.delete(key), None)


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
