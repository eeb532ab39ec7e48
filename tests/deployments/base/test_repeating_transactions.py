"""Transactions of repeated statements are transactions as any others."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    InternalError,
    NotSupportedError,
    OperationalError,
    connection,
    transaction,
)
from django.db.transaction import TransactionManagementError
from psycopg import Connection

from deployments.base.models import EventRelated, Space
from deployments.base.rows import repeating_cursor, repeating_transaction
from tests.factories import default_space

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_space"),
]
on_postgres = pytest.mark.postgres

_OF_NO_EVENT = "INSERT INTO base_eventrelated (event_id, document_id) VALUES (%s, %s) RETURNING id"


@pytest.fixture
def _space() -> None:
    default_space()


def ask(sql: str, *values: Any) -> list[Any]:
    with repeating_cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def rename(name: str) -> None:
    ask("UPDATE base_space SET name = %s WHERE slug = %s RETURNING id", name, "default")


def name() -> str:
    return Space.objects.get(slug="default").name


def slug() -> list[Any]:
    return ask("SELECT slug FROM base_space WHERE slug = %s", "default")


def together(*acts: Callable[[], object]) -> None:
    with repeating_transaction():
        for act in acts:
            act()


def elsewhere(what: Callable[[], Any]) -> Any:
    """Return what it gives on a connection of another thread."""

    def done() -> Any:
        try:
            return what()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        return other.submit(done).result()


def change_slugs(kind: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE base_space ALTER COLUMN slug TYPE {kind}")


def test_it_is_committed_as_a_whole_and_tells_so_afterwards() -> None:
    told: list[str] = []
    with repeating_transaction():
        rename("One")
        rename("Another")
        transaction.on_commit(lambda: told.append(name()))
        assert told == []
    assert told == ["Another"]


def test_it_is_undone_as_a_whole_and_leaves_nothing_behind() -> None:
    told: list[str] = []

    def fail() -> None:
        transaction.on_commit(lambda: told.append("renamed"))
        raise LookupError

    with pytest.raises(LookupError):
        together(lambda: rename("Another"), fail)
    assert name() == "Default"
    with transaction.atomic():
        rename("A third")
    assert (name(), told) == ("A third", [])


def test_it_may_be_empty() -> None:
    together()
    with pytest.raises(ValueError, match="none"):
        together(lambda: int("none"))
    assert name() == "Default"


def test_it_is_part_of_another_transaction() -> None:
    told: list[str] = []
    with transaction.atomic():
        together(lambda: rename("Another"), lambda: transaction.on_commit(lambda: told.append("")))
        transaction.set_rollback(True)
    assert (name(), told) == ("Default", [])


def test_a_statement_that_fails_undoes_those_before_it() -> None:
    wrong = "UPDATE base_space SET slug = %s WHERE slug = %s RETURNING id"
    for _ in range(2):
        with pytest.raises(IntegrityError):
            together(lambda: rename("Another"), lambda: ask(wrong, None, "default"))
        assert name() == "Default"


@on_postgres
def test_a_commit_that_fails_is_told() -> None:
    told: list[str] = []
    with pytest.raises(IntegrityError):
        together(
            lambda: ask(_OF_NO_EVENT, 10**9, "of no event"),
            lambda: transaction.on_commit(lambda: told.append("written")),
        )
    assert told == []
    assert not EventRelated.objects.filter(document_id="of no event").exists()
    together(lambda: rename("Another"))
    assert name() == "Another"


@on_postgres
def test_others_see_it_when_it_has_ended() -> None:
    with repeating_transaction():
        rename("Another")
        assert elsewhere(name) == "Default"
    assert elsewhere(name) == "Another"


def many() -> None:
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE base_space SET name = %s", [["Many"], ["Times"]])


def below() -> None:
    with transaction.atomic():
        rename("Below")


@on_postgres
@pytest.mark.parametrize("query", [name, many, below], ids=["a query", "many", "a savepoint"])
def test_any_other_query_is_an_error(query: Callable[[], object]) -> None:
    with pytest.raises(NotSupportedError):
        together(lambda: rename("Another"), query, lambda: rename("A third"))
    assert name() == "Default"


@on_postgres
def test_it_is_not_committed_when_an_error_was_passed_over() -> None:
    told: list[str] = []

    def fail() -> None:
        transaction.on_commit(lambda: told.append("renamed"))
        with suppress(IntegrityError):
            ask("UPDATE base_space SET slug = %s WHERE slug = %s RETURNING id", None, "default")

    with pytest.raises(TransactionManagementError):
        together(lambda: rename("Another"), fail)
    with pytest.raises(InternalError):
        together(lambda: rename("Another"), fail, lambda: rename("A third"))
    with pytest.raises(TransactionManagementError):
        together(lambda: rename("Another"), lambda: transaction.set_rollback(True))
    assert (name(), told) == ("Default", [])


@on_postgres
def test_one_that_is_interrupted_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interruption(BaseException):
        pass

    def interrupted(*_: Any) -> None:
        raise Interruption

    def interrupt() -> None:
        with monkeypatch.context() as patches:
            patches.setattr(Connection, "wait", interrupted)
            ask("SELECT pg_sleep(%s)", 60)

    with pytest.raises(Interruption):
        together(lambda: rename("Another"), interrupt)
    assert connection.connection is None
    assert name() == "Default"


@on_postgres
def test_what_a_migration_has_changed_fails_once() -> None:
    slug()
    try:
        change_slugs("varchar(230)")
        with pytest.raises(NotSupportedError):
            together(lambda: rename("Another"), slug)  # the first cannot be done once more
        assert name() == "Default"
        together(slug, lambda: rename("Another"))
        assert name() == "Another"
    finally:
        change_slugs("varchar(200)")


@on_postgres
def test_a_connection_that_ends_itself_is_told_and_closed() -> None:
    end = "SELECT pg_terminate_backend(pg_backend_pid()) WHERE 1 = %s"
    with pytest.raises(OperationalError):
        together(lambda: rename("Another"), lambda: ask(end, 1))
    assert connection.connection is None
    assert name() == "Default"


@on_postgres
def test_a_connection_that_is_ended_before_the_commit_is_told_and_closed() -> None:
    def end() -> None:
        ((number,),) = ask("SELECT pg_backend_pid() WHERE 1 = %s", 1)
        elsewhere(lambda: ask("SELECT pg_terminate_backend(%s::int)", number))

    with pytest.raises(OperationalError):
        together(lambda: rename("Another"), end)
    assert connection.connection is None
    assert name() == "Default"
