"""Runbooks and their snapshots."""

from collections.abc import Mapping
from typing import Any

from deployments.infrastructure.models import Environment
from deployments.projects.models import Project, Runbook
from deployments.projects.process import process_from_json
from deployments.projects.queries import process_of_runbook
from deployments.projects.services.processes import save_process
from deployments.projects.services.runbooks import RunbookInput, create_runbook
from deployments.releases.models import RunbookRun, RunbookSnapshot
from deployments.releases.options import DeploymentOptions
from deployments.releases.services.runbook_runs import create_runbook_run
from deployments.releases.services.runbook_snapshots import create_runbook_snapshot
from deployments.server_tasks.models import ServerTask
from tenants.models import Tenant
from tests.factories.domain import script_step
from tests.factories.numbers import NUMBERS
from tests.factories.people import SYSTEM


def make_runbook(
    project: Project, name: str = "", *steps: Mapping[str, Any], **settings: Any
) -> Runbook:
    """Create a runbook with the steps, else with one that runs on the server."""
    runbook = create_runbook(
        actor=SYSTEM,
        project=project,
        runbook=RunbookInput(name or f"Runbook {next(NUMBERS)}", settings=settings),
    )
    save_process(
        actor=SYSTEM,
        row=process_of_runbook(runbook),
        process=process_from_json(steps or [script_step()]),
    )
    return runbook


def make_snapshot(runbook: Runbook, *, publish: bool = True, **fields: Any) -> RunbookSnapshot:
    """Freeze the runbook as it is now."""
    return create_runbook_snapshot(actor=SYSTEM, runbook=runbook, publish=publish, **fields)


def make_run(
    runbook: Runbook,
    environment: Environment,
    *,
    tenant: Tenant | None = None,
    state: str = "",
    **options: Any,
) -> RunbookRun:
    """Run what is published; `state` ends the task so."""
    run = create_runbook_run(
        actor=SYSTEM,
        runbook=runbook,
        environment=environment,
        tenant=tenant,
        options=DeploymentOptions(**options),
    )
    if state:
        rows = ServerTask.objects.in_space(run.space).filter(pk=run.task_id)
        rows.update(state=state, completed=run.created)
        run.task.refresh_from_db()
    return run
