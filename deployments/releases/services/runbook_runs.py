"""Creating runs of runbooks: every check, then the run and its task in one transaction."""

from collections.abc import Collection, Iterable
from typing import Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.infrastructure.models import Environment
from deployments.projects.models import Lifecycle, Runbook
from deployments.projects.queries import channels_of, lifecycle_of, phases_of_many
from deployments.projects.runbooks import why_not_there, why_not_with
from deployments.releases.models import RunbookRun, RunbookSnapshot
from deployments.releases.options import DeploymentOptions
from deployments.releases.queries import published_snapshot, tasks_of_runbook
from deployments.releases.services.choices import (
    require_machines,
    require_plan,
    require_times,
    require_values,
    required_answers,
    stored_options,
)
from deployments.releases.services.queueing import PRIORITIES, concurrency_tag, hold_queue_of
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import enqueue, supersede_queued
from tenants.models import Tenant
from tenants.queries import TenantScope, environments_of_tenant, tenant_scope

KIND: Final = "RunbookRun"


def create_runbook_run(
    *,
    actor: Actor,
    runbook: Runbook,
    environment: Environment,
    snapshot: RunbookSnapshot | None = None,
    tenant: Tenant | None = None,
    options: DeploymentOptions = DeploymentOptions(),  # noqa: B008 frozen
    clock: Clock = utc_now,
) -> RunbookRun:
    """Queue a run of the snapshot, else of the published one; raises NotPermitted or Invalid.

    A snapshot that is not published runs only for those who may edit the runbook.
    """
    require(
        actor,
        runbook.space,
        Permission.RunbookRunCreate,
        project=runbook.project_id,
        project_group=runbook.project.group_id,
        environment=environment.pk,
        tenant=tenant.pk if tenant else None,
    )
    chosen = _chosen(actor, runbook, snapshot)
    scope = tenant_scope(tenant)
    _require_possible(runbook, environment, tenant)
    require_values(chosen, environment, scope)
    require_times(options, clock)
    require_machines(environment, options)
    require_plan(chosen, environment, scope, options)
    answers = required_answers(actor, chosen, environment, scope, options)
    with transaction.atomic():
        task = _queue(actor, chosen, environment, options, scope, clock)
        run = _new_run(actor, chosen, environment, task, options, clock)
        run.tenant_number = tenant.pk if tenant else None
        run.options = stored_options(run, options, answers)
        run.save(force_insert=True)
        task.arguments = {"RunbookRunId": run.public_id}
        task.save(update_fields=["arguments"])
        _record(actor, run, scope, clock)
        if chosen.settings_in_force.cancel_superseded_queued:
            supersede_queued(task=task, among=tasks_of_runbook(run), clock=clock)
    return run


def _new_run(
    actor: Actor,
    snapshot: RunbookSnapshot,
    environment: Environment,
    task: ServerTask,
    options: DeploymentOptions,
    clock: Clock,
) -> RunbookRun:
    return RunbookRun(
        space=snapshot.space,
        project=snapshot.project,
        runbook=snapshot.runbook,
        snapshot=snapshot,
        environment=environment,
        task=task,
        comments=options.comments,
        created=clock(),
        deployed_by=actor.public_id,
        deployed_by_name=actor.username,
    )


def delete_runbook_run(*, actor: Actor, row: RunbookRun) -> None:
    """Delete a run that has ended; its task and log stay until their own retention."""
    require_on(actor, row, Permission.RunbookRunDelete)
    if not row.task.is_completed:
        raise Invalid("A run can be deleted when it has ended; cancel it first.")
    with transaction.atomic():
        events.record(
            actor=actor,
            space=row.space,
            category="Deleted",
            message=f"Run of {row.runbook.name} in {row.environment.name} was deleted",
            subject=row.public_id,
            related=[row.project.public_id, row.runbook.public_id, row.environment.public_id],
        )
        row.delete()


def why_not_run(runbook: Runbook, environment: Environment) -> str:
    """Return why the runbook may not run in the environment; empty when it may."""
    return reasons_not_run(runbook, [environment])[environment.pk]


def reasons_not_run(runbook: Runbook, environments: Iterable[Environment]) -> dict[int, str]:
    """Return, by environment, why the runbook may not run there; a fixed number of queries."""
    of_lifecycles = _environments_of_lifecycles(runbook)
    reasons = {}
    for row in environments:
        reason = why_not_there(runbook.settings, row.public_id, of_lifecycles)
        words = f"The runbook '{runbook.name}' cannot run in '{row.name}': {reason}"
        reasons[row.pk] = words if reason else ""
    return reasons


def _chosen(actor: Actor, runbook: Runbook, snapshot: RunbookSnapshot | None) -> RunbookSnapshot:
    chosen = snapshot or published_snapshot(runbook)
    if chosen is None:
        raise Invalid(
            f"The runbook '{runbook.name}' has no published snapshot. Publish one, or name the"
            " snapshot to run."
        )
    if chosen.runbook_id != runbook.pk:
        raise Invalid(f"The snapshot is not one of the runbook '{runbook.name}'.")
    if not chosen.is_published:
        require_on(actor, runbook, Permission.RunbookEdit)
    return chosen


def _require_possible(runbook: Runbook, environment: Environment, tenant: Tenant | None) -> None:
    project = runbook.project
    if environment.space_id != runbook.space_id:
        raise Invalid("The environment does not exist in this space.")
    if project.is_disabled:
        raise Invalid(f"The project '{project.name}' is disabled: its runbooks do not run.")
    if reason := why_not_run(runbook, environment):
        raise Invalid(reason)
    if reason := why_not_with(runbook.settings, tenant.name if tenant else None):
        raise Invalid(reason)
    if tenant is None:
        return
    if tenant.space_id != runbook.space_id:
        raise Invalid("The tenant does not exist in this space.")
    connected = environments_of_tenant(tenant, project) or ()
    if reason := why_not_for(project.name, environment, tenant, connected):
        raise Invalid(reason)


def why_not_for(
    project: str, environment: Environment, tenant: Tenant, connected: Collection[int]
) -> str:
    """Return why nothing runs for the tenant, which is connected in these environments."""
    if tenant.is_disabled:
        return f"The tenant '{tenant.name}' is disabled."
    if environment.pk not in connected:
        return (
            f"The tenant '{tenant.name}' is not connected to '{project}' in '{environment.name}'."
        )
    return ""


def _environments_of_lifecycles(runbook: Runbook) -> set[str]:
    channels = channels_of(runbook.project).select_related("lifecycle", "project__lifecycle")
    lifecycles: dict[int, Lifecycle] = {
        lifecycle.pk: lifecycle for lifecycle in map(lifecycle_of, channels)
    }
    phases = phases_of_many(lifecycles.values())
    numbers = {n for views in phases.values() for view in views for n in view.environments}
    return {f"Environments-{number}" for number in numbers}


def _queue(
    actor: Actor,
    snapshot: RunbookSnapshot,
    environment: Environment,
    options: DeploymentOptions,
    tenant: TenantScope | None,
    clock: Clock,
) -> ServerTask:
    if options.priority not in PRIORITIES:
        raise Invalid(fields={"Priority": [f"Choose one of {', '.join(PRIORITIES)}."]})
    whom = f" for {tenant.name}" if tenant else ""
    project = snapshot.project
    hold_queue_of(project)
    if not RunbookSnapshot.objects.in_space(snapshot.space).filter(pk=snapshot.pk).exists():
        raise Invalid("The runbook, or this snapshot of it, was deleted meanwhile.")
    return enqueue(
        actor=actor,
        space=snapshot.space,
        kind=KIND,
        description=(
            f"Run {snapshot.runbook.name} of {project.name} ({snapshot.name}) in"
            f" {environment.name}{whom}"
        ),
        arguments={},
        concurrency_tag=concurrency_tag(snapshot, environment, tenant),
        priority=int(options.priority == "On"),
        is_complete=options.is_complete,
        project_number=project.pk,
        environment_number=environment.pk,
        tenant_number=tenant.number if tenant else None,
        not_before=options.not_before,
        expires=options.expires,
        clock=clock,
    )


def _record(actor: Actor, run: RunbookRun, tenant: TenantScope | None, clock: Clock) -> None:
    whom = f" for {tenant.name}" if tenant else ""
    events.record(
        actor=actor,
        space=run.space,
        category="RunbookRunQueued",
        message=(
            f"Run of the runbook {run.runbook.name} of {run.project.name} in"
            f" {run.environment.name}{whom} was queued"
        ),
        subject=run.public_id,
        related=[
            run.project.public_id,
            run.runbook.public_id,
            run.snapshot.public_id,
            run.environment.public_id,
            run.task.public_id,
            tenant.public_id if tenant else "",
        ],
        clock=clock,
    )
