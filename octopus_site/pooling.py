"""Connections to PostgreSQL that outlive a request."""

from typing import Final

from django.conf import settings
from django.db import connection

POOL_SIZE: Final = 20
_WAIT_S: Final = 15


def pool_connections() -> None:
    """Let the requests of this process share a few connections; for web and gateway.

    Each request runs in a thread of its own, and connecting costs more than most queries. When
    all are taken, a request waits, and then fails as when the database is away. A connection is
    tried before it is lent. SQLite needs none: opening the file is quick.
    """
    if settings.OCTOPUS.is_sqlite:
        return
    pool = {"min_size": 1, "max_size": POOL_SIZE, "timeout": _WAIT_S}
    connection.settings_dict["OPTIONS"]["pool"] = pool
    connection.settings_dict["CONN_HEALTH_CHECKS"] = True
