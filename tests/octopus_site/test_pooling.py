"""The pool of connections after the database has ended them all."""

import psycopg
from psycopg_pool import ConnectionPool

from octopus_site.pooling import lend_the_last_first, renew_all_when_one_is_broken

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


def test_the_connection_that_was_given_back_last_is_lent_first(postgres_url: str) -> None:
    with ConnectionPool(postgres_url, min_size=3, max_size=3, open=True) as pool:
        lend_the_last_first(pool)
        pool.wait()
        lent = [pool.getconn() for _ in range(3)]
        for each in lent:
            pool.putconn(each)
        for _ in range(3):
            assert pool.getconn() is lent[-1]
            pool.putconn(lent[-1])
        assert [pool.getconn() for _ in range(3)] == lent[::-1]
        for each in lent:
            pool.putconn(each)
