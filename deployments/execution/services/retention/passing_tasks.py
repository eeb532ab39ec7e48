"""The part of a pass of retention that deletes old tasks which nothing else takes along.

Those of deployments and of runs go with them; health checks and passes of retention would stay.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Count

from deployments.base.events import record
from deployments.base.querysets import SpaceQuerySet
from deployments.execution.logs.append import write_lines
from deployments.execution.services.retention.deleting import delete_tasks
from deployments.execution.services.retention.part import PartOfPass
from deployments.infrastructure.models import Machine, Worker
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import FINISHED

KEPT_FOR: Final = timedelta(days=90)
_AT_ONCE: Final = 200


def pass_server_tasks(work: PartOfPass) -> Iterator[int]:
    """Delete, or in a dry run count, the tasks that ended long ago; yield how many at a time."""
    if work.is_dry:
        _write(work, _old_tasks(work), "would be deleted")
        yield _old_tasks(work).count()
        return
    while part := list(_old_tasks(work).values_list("pk", flat=True)[:_AT_ONCE]):
        work.go_on()
        with transaction.atomic():
            rows = ServerTask.objects.in_space(work.task.space).filter(pk__in=part)
            _write(work, rows, "deleted")
            record(
                actor=work.actor,
                space=work.task.space,
                category="Deleted",
                message=(
                    f"{len(part)} task{'' if len(part) == 1 else 's'} of the server that ended more"
                    f" than {KEPT_FOR.days} days ago deleted by retention"
                ),
                subject=work.task.public_id,
                before={"Tasks": len(part)},
                clock=work.clock,
            )
            delete_tasks(work.task.space, part)
        yield len(part)


def _old_tasks(work: PartOfPass) -> SpaceQuerySet[ServerTask]:
    """Return what ended long ago; the last check of a target or worker stays, for it is shown."""
    space = work.task.space
    shown = {
        int(text.rpartition("-")[2])
        for model in (Machine, Worker)
        for text in model.objects.in_space(space)
        .exclude(last_check_task="")
        .values_list("last_check_task", flat=True)
    }
    rows = ServerTask.objects.in_space(space).filter(
        state__in=FINISHED,
        completed__lt=work.clock() - KEPT_FOR,
        deployment=None,
        runbook_run=None,
    )
    return rows.exclude(pk__in=shown).order_by("pk")


def _write(work: PartOfPass, rows: SpaceQuerySet[ServerTask], done: str) -> None:
    counted = rows.order_by("kind").values_list("kind").annotate(count=Count("pk"))
    lines = [
        ("info", f"  {count} of the kind {kind} {done}: ended over {KEPT_FOR.days} days ago")
        for kind, count in counted
    ]
    if lines:
        write_lines(work.task, None, [("info", "Tasks of the server:"), *lines])
