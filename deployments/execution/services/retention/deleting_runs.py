"""Deletes old runs of a runbook with all that came of them: tasks, logs, artifacts."""

from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.db.models import F

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.public_ids import make
from deployments.execution.services.retention.deleting import Deleted, delete_tasks
from deployments.projects.models import Runbook
from deployments.releases.models import RunbookRun
from deployments.server_tasks.states import FINISHED

# One transaction and one event for so many.
RUNS_AT_ONCE: Final = 50


def delete_runs_by_retention(
    *, actor: Actor, runbook: Runbook, runs: Sequence[int], clock: Clock = utc_now
) -> Deleted:
    """Delete those of the runs that are still there and have ended; say how much went."""
    space = runbook.space
    with transaction.atomic():
        # Two passes at once come one after the other: the row is held until the end.
        Runbook.objects.in_space(space).filter(pk=runbook.pk).update(name=F("name"))
        rows = RunbookRun.objects.in_space(space).filter(
            runbook=runbook, pk__in=runs, task__state__in=FINISHED
        )
        found = list(rows.order_by("pk").values_list("pk", "task_id"))
        if not found:
            return Deleted()
        count = f"{len(found)} run{'' if len(found) == 1 else 's'}"
        record(
            actor=actor,
            space=space,
            category="Deleted",
            message=(
                f"{count} of the runbook {runbook.name} of {runbook.project.name}"
                f" {'was' if len(found) == 1 else 'were'} deleted by retention"
            ),
            subject=runbook.public_id,
            related=[
                runbook.project.public_id,
                *(make(RunbookRun.id_prefix, number) for number, _ in found),
            ],
            before={"Runs": len(found)},
            clock=clock,
        )
        RunbookRun.objects.in_space(space).filter(pk__in=[number for number, _ in found]).delete()
        return Deleted(len(found), delete_tasks(space, [task for _, task in found]).total())
