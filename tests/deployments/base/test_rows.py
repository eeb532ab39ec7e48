"""Writing many rows writes what Django itself would write."""

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from deployments.base.clock import utc_now
from deployments.base.rows import insert_rows
from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.states import ExecutionState
from deployments.infrastructure.models import Agent
from deployments.server_tasks.models import ServerTask
from tests.factories.spaces import default_space

pytestmark = pytest.mark.django_db

_MANY = 70


@pytest.fixture
def task() -> ServerTask:
    now = utc_now()
    return ServerTask.objects.create(
        space=default_space(), kind="Deploy", description="x", queued=now, last_updated=now
    )


def _executions(task: ServerTask, attempt: int) -> list[ActionExecution]:
    return [
        ActionExecution(
            space=task.space,
            task=task,
            step_number=number,
            action_id="a",
            target_id=f"Machines-{number}",
            target_name="Straße 'x' %s",
            attempt=attempt,
            state=ExecutionState.WAITING,
            queued=utc_now(),
            log_state={"covered": number},
        )
        for number in range(_MANY)
    ]


def _stored(rows: list[ActionExecution]) -> list[dict[str, object]]:
    """Return the values of rows in their order, without those that tell them apart."""
    own = {"id", "attempt", "queued"}
    found = ActionExecution.objects.in_space(rows[0].space).filter(pk__in=[r.pk for r in rows])
    ordered = found.order_by("step_number").values()
    return [{k: v for k, v in row.items() if k not in own} for row in ordered]


def test_rows_are_as_bulk_create_makes_them(task: ServerTask) -> None:
    ours, theirs = _executions(task, 1), _executions(task, 2)
    insert_rows(ours)
    ActionExecution.objects.bulk_create(theirs)
    assert _stored(ours) == _stored(theirs)


def test_each_row_gets_its_own_key_and_can_be_saved(task: ServerTask) -> None:
    rows = _executions(task, 1)
    insert_rows(rows)
    for row in rows:
        stored = ActionExecution.objects.in_space(task.space).get(pk=row.pk)
        assert (stored.target_id, stored.queued) == (row.target_id, row.queued)
    rows[0].target_name = "renamed"
    rows[0].save()
    assert ActionExecution.objects.in_space(task.space).count() == _MANY


def test_bytes_and_ids_survive(task: ServerTask) -> None:
    (execution,) = _executions(task, 1)[:1]
    insert_rows([execution])
    agent = Agent.objects.create(space=task.space, credential_sha256="0" * 64)
    message = AgentMessage(
        space=task.space,
        agent=agent,
        execution=execution,
        kind="run",
        sealed_body=b"\x00\xff",
        created=utc_now(),
    )
    insert_rows([message])
    stored = AgentMessage.objects.in_space(task.space).get()
    assert (bytes(stored.sealed_body or b""), stored.message_id) == (
        b"\x00\xff",
        message.message_id,
    )


def test_rows_that_exist_already_are_refused_as_one(task: ServerTask) -> None:
    insert_rows(_executions(task, 1)[-1:])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(_executions(task, 1))
    assert ActionExecution.objects.in_space(task.space).count() == 1


def test_no_rows_are_no_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        insert_rows([])
