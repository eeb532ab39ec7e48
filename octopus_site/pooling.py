"""Connections to PostgreSQL that outlive a request."""

import select
from typing import Any, Final

from django.conf import settings
from django.db import connection

POOL_SIZE: Final = 20
_WAIT_S: Final = 15


def pool_connections() -> None:
    """Let the requests of this process share a few connections; for web and gateway.

    Each request runs in a thread of its own, and connecting costs more than most queries. When
    all are taken, a request waits, and then fails as when the database is away. A connection that
    the database has ended is not lent. SQLite needs none: opening the file is quick.
    """
    if settings.OCTOPUS.is_sqlite:
        return
    pool = {"min_size": 1, "max_size": POOL_SIZE, "timeout": _WAIT_S}
    connection.settings_dict["OPTIONS"]["pool"] = pool
    connection.settings_dict["CONN_HEALTH_CHECKS"] = True
    renew_all_when_one_is_broken(connection.pool)  # type: ignore[attr-defined]  # PostgreSQL's


def renew_all_when_one_is_broken(pool: Any) -> None:
    """Make a psycopg_pool drop every idle connection as soon as one turns out to be broken.

    Asking it something at each request would cost as much as a query; what a database that goes
    away sends last is there to be seen. A database that was restarted has broken them all, and the
    pool would let a request try one after another with pauses of 1, 2, 4, 8 s between: five of
    them are longer than a request waits.
    """

    def check(tried: Any) -> None:
        try:
            if _has_news(tried):
                pool.check_connection(tried)
        except Exception:
            pool.drain()
            raise

    pool._check = check  # noqa: SLF001 Django passes a check of its own to the constructor


def _has_news(tried: Any) -> bool:
    """Tell whether an idle connection was sent something: an ending or an error, mostly."""
    socket = select.poll()
    socket.register(tried.fileno(), select.POLLIN)
    return bool(socket.poll(0))
