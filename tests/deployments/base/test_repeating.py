"""Statements that are run again and again behave as Django's own cursor lets them."""

import gc
import weakref
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)

from deployments.base.models import EventRelated, Space
from deployments.base.rows import repeating_cursor
from tests.factories import default_space

pytestmark = pytest.mark.django_db(transaction=True)
on_postgres = pytest.mark.postgres

_RENAME = "UPDATE base_space SET name = %s WHERE id = %s RETURNING id"


def ask(sql: str, *values: Any) -> list[Any]:
    with repeating_cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def test_rows_come_one_by_one_or_all_together() -> None:
    space = default_space()
    sql = "SELECT id, name FROM base_space WHERE id >= %s ORDER BY id"
    with repeating_cursor() as cursor:
        cursor.execute(sql, [space.pk])
        assert cursor.fetchone() == (space.pk, space.name)
        assert cursor.fetchone() is None
        assert list(cursor.fetchall()) == []
    assert ask(sql, space.pk + 1) == []
    assert ask(sql, space.pk) == [(space.pk, space.name)]


def test_a_percent_sign_is_written_twice() -> None:
    sql = "SELECT name FROM base_space WHERE name LIKE '%%efau%%' AND id = %s"
    assert ask(sql, default_space().pk) == [("Default",)]


def test_it_is_part_of_a_transaction() -> None:
    space = default_space()
    with transaction.atomic():
        ask(_RENAME, "Another", space.pk)
        transaction.set_rollback(True)
    assert Space.objects.get(pk=space.pk).name == "Default"
    ask(_RENAME, "Another", space.pk)
    assert Space.objects.get(pk=space.pk).name == "Another"


def test_an_error_is_of_django_and_ends_only_its_transaction() -> None:
    space = default_space()
    sql = "UPDATE base_space SET slug = %s WHERE id = %s RETURNING id"
    for _ in range(2):
        with pytest.raises(IntegrityError), transaction.atomic():
            ask(sql, None, space.pk)
        assert ask(sql, "default", space.pk) == [(space.pk,)]


@on_postgres
def test_values_of_every_kind_go_there_and_back() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    sql = (
        "SELECT %s::text, %s::timestamptz, %s::text[], %s, %s::boolean, %s::smallint, %s::text"
        " WHERE %s::text IS NULL"
    )
    values = ('a "b" {c} \\ \' é', moment, ["a,b", '"', ""], 2**40, True, -5, None)
    for _ in range(2):
        assert ask(sql, *values, None) == [values]
    assert ask(sql, *values, "something") == []


@on_postgres
def test_a_statement_is_prepared_once_whatever_its_values_are() -> None:
    sql = "SELECT id FROM base_space WHERE id = %s AND %s::text IS NULL"
    for number in (1, 2**20, 2**50, None):
        for text in ("a", None):
            ask(sql, number, text)
    (found,) = ask(
        "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement = %s",
        sql.replace("%s", "$1", 1).replace("%s", "$2", 1),
    )
    assert found == (1,)


@on_postgres
def test_what_postgres_cannot_read_leaves_nothing_behind() -> None:
    for _ in range(2):
        with pytest.raises(ProgrammingError, match="nothing_like_it"):
            ask("SELECT nothing_like_it FROM base_space")
    assert ask("SELECT 1 FROM base_space WHERE id = %s", default_space().pk) == [(1,)]


@on_postgres
def test_what_a_migration_has_changed_is_prepared_anew() -> None:
    sql = "SELECT slug FROM base_space WHERE id = %s"
    number = default_space().pk
    kinds = iter(["varchar(230)", "varchar(231)", "varchar(200)"])

    def change() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE base_space ALTER COLUMN slug TYPE {next(kinds)}")

    assert ask(sql, number) == [("default",)]
    change()
    assert ask(sql, number) == [("default",)]
    change()
    with pytest.raises(NotSupportedError), transaction.atomic():
        ask(sql, number)
    with transaction.atomic():
        assert ask(sql, number) == [("default",)]
    change()
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert ask(sql, number) == [("default",)]


@on_postgres
def test_a_commit_that_fails_is_an_error_of_django() -> None:
    sql = "INSERT INTO base_eventrelated (event_id, document_id) VALUES (%s, %s) RETURNING id"
    with pytest.raises(IntegrityError):
        ask(sql, 10**9, "of no event")
    assert not EventRelated.objects.filter(document_id="of no event").exists()


@on_postgres
def test_connections_that_are_closed_are_forgotten() -> None:
    ask("SELECT name FROM base_space WHERE id = %s", 1)
    gone = weakref.ref(connection.connection)
    connection.close()
    gc.collect()
    assert gone() is None


@on_postgres
def test_a_connection_that_was_ended_is_told_and_another_one_works() -> None:
    sql = "SELECT name FROM base_space WHERE id = %s"
    number = default_space().pk
    ask(sql, number)
    with connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(OperationalError):
        ask(sql, number)
    connection.close()
    assert ask(sql, number) == [("Default",)]
