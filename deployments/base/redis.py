"""The one factory of Redis clients: command, blocking and asyncio profiles.

Redis may be flushed at any instant; nothing here is truth.
"""

from functools import cache

import redis
import redis.asyncio
from django.conf import settings

_MOST_CONNECTIONS = 1000


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
