"""The pool of connections after the database has ended them all."""

import psycopg
from psycopg_pool import ConnectionPool

from octopus_site.pooling import renew_all_when_one_is_broken

_CONNECTIONS = 8


def test_a_pool_of_broken_connections_is_renewed_at_once(postgres_url: str) -> None:
    """One by one, with the pool's growing pauses, eight would take minutes."""
    kwargs = {"application_name": "pooled"}
    with ConnectionPool(
        postgres_url, min_size=_CONNECTIONS, max_size=_CONNECTIONS, kwargs=kwargs, open=True
    ) as pool:
        renew_all_when_one_is_broken(pool)
        pool.wait()
        with psycopg.connect(postgres_url, autocommit=True) as other:
            ended = other.execute(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                " WHERE application_name = 'pooled'"
            ).fetchone()
        assert ended == (_CONNECTIONS,)
        with pool.connection(timeout=14) as renewed:
            assert renewed.execute("SELECT 1").fetchone() == (1,)
