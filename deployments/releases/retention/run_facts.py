"""Judging the runs of runbooks, as a stream: memory is bounded whatever their number."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from deployments.projects.models import Runbook
from deployments.projects.retention import RetentionPolicy
from deployments.projects.runbooks import run_retention
from deployments.releases.models import RunbookRun
from deployments.releases.retention.run_rule import RunCandidate, RunKeeper, RunVerdict
from deployments.server_tasks.states import FINISHED

_AT_ONCE: Final = 500


def judged_runs(
    runbook: Runbook, *, default: RetentionPolicy, now: datetime
) -> Iterator[RunVerdict]:
    """Yield what becomes of each run, the newest first; `default` is the space's own policy.

    The caller may delete what it was given.
    """
    keeper = RunKeeper(run_retention(runbook.settings, default), now)
    rows = RunbookRun.objects.in_space(runbook.space).filter(runbook=runbook).order_by("-pk")
    columns = rows.values_list("pk", "environment_id", "tenant_number", "created", "task__state")
    page = list(columns[:_AT_ONCE])
    while page:
        for number, environment, tenant, created, state in page:
            candidate = RunCandidate(
                number, environment, tenant or 0, created, is_under_way=state not in FINISHED
            )
            yield keeper.judge(candidate)
        page = list(columns.filter(pk__lt=page[-1][0])[:_AT_ONCE])
