"""`__in` of whole numbers finds what Django's own finds, with one parameter on PostgreSQL."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.projects.models import Project
from tests.factories.domain import make_project
from tests.factories.spaces import default_space

pytestmark = pytest.mark.django_db


@pytest.fixture
def projects() -> list[Project]:
    return [make_project(f"Project {number}") for number in range(3)]


def _names(**filters: Any) -> list[str]:
    rows = Project.objects.unscoped(reason="a test").filter(**filters).order_by("name")
    return list(rows.values_list("name", flat=True))


def test_numbers_find_their_rows_however_they_are_given(projects: list[Project]) -> None:
    first, second, third = (row.pk for row in projects)
    assert _names(pk__in=[third, first, first]) == ["Project 0", "Project 2"]
    assert _names(pk__in={second}) == ["Project 1"]
    assert _names(pk__in=(str(second), third)) == ["Project 1", "Project 2"]
    assert _names(pk__in=iter([first])) == ["Project 0"]
    rows = Project.objects.in_space(default_space()).filter(pk__gt=first)
    assert _names(pk__in=rows) == ["Project 1", "Project 2"]
    assert _names(pk__in=[first, None]) == ["Project 0"]


def test_a_foreign_key_takes_numbers_and_rows(projects: list[Project]) -> None:
    group = projects[0].group
    assert _names(group__in=[group.pk]) == _names(group__in=[group])
    assert "Project 0" in _names(group__in=[group.pk])
    assert _names(group_id__in=[group.pk + 1_000_000]) == []


def test_a_number_that_no_row_can_have_finds_nothing(projects: list[Project]) -> None:
    assert _names(pk__in=[projects[0].pk, 2**70, -(2**70)]) == ["Project 0"]
    assert _names(pk__in=[2**70]) == []
    kept = Project.objects.in_space(default_space()).exclude(pk__in=[projects[0].pk, 2**70])
    assert projects[0] not in kept
    assert projects[1] in kept


def test_no_number_asks_nothing(projects: list[Project]) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert _names(pk__in=[]) == []
    assert not asked.captured_queries


def test_postgresql_gets_one_statement_for_any_number_of_numbers(projects: list[Project]) -> None:
    if connection.vendor != "postgresql":
        rows = Project.objects.in_space(default_space()).filter(pk__in=[1, 2])
        assert "IN (1, 2)" in str(rows.query)
        return
    statements = set()

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.add(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        for many in (1, 2, 500):
            _names(pk__in=list(range(1, many + 1)), group__in=list(range(many)))
    assert len(statements) == 1
