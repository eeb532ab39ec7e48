"""Targets that came while a deployment runs, and taking them into what is left of it."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from django.db.models import F

from deployments.execution.growing import with_newcomers
from deployments.execution.manifest import MachineData, Manifest
from deployments.execution.models import ActionExecution, ExecutionPlan
from deployments.execution.plan import plan_from_json, plan_to_json
from deployments.execution.planner import PlanInput, Target, is_chosen, make_plan
from deployments.execution.queries import deployment_of
from deployments.execution.services.plan_deployment import machines_in_role, plan_source
from deployments.execution.services.references import with_references
from deployments.execution.services.situation import open_manifest, seal_manifest


def newcomers(execution: ActionExecution, roles: Collection[str]) -> list[Target]:
    """Return the targets with one of the tags that could take part and do not."""
    row = _plan_of(execution)
    known = set(plan_from_json(row.document).target_ids())
    wanted = {role.lower() for role in roles}
    source = _source(execution, open_manifest(row))
    return [
        target
        for target in source.targets
        if target.id not in known
        and target.agent is not None
        and is_chosen(source, target)
        and wanted & {role.lower() for role in target.roles}
    ]


def take_in(execution: ActionExecution, ids: Collection[str]) -> None:
    """Let targets take part in the steps behind the one of the execution.

    Joins the transaction in which the action ends, so that whoever sees its end sees them too.
    """
    rows = ExecutionPlan.objects.in_space(execution.space).filter(task=execution.task_id)
    # An update holds the row on every database: two steps of a group may take targets in.
    rows.update(created=F("created"))
    row = _plan_of(execution)
    manifest = open_manifest(row)
    source = _source(execution, manifest)
    new = [replace(each, skip_reason="") for each in source.targets if each.id in ids]
    plan = plan_from_json(row.document)
    grown = with_newcomers(plan, make_plan(replace(source, targets=new)), execution.step_id)
    deployment = deployment_of(execution.task)
    rows.update(
        document=plan_to_json(grown),
        places=grown.places,
        sealed_variables=seal_manifest(
            with_references(_with(manifest, new), grown, deployment), execution.task_id
        ),
    )


def _plan_of(execution: ActionExecution) -> ExecutionPlan:
    return ExecutionPlan.objects.in_space(execution.space).get(task=execution.task_id)


def _source(execution: ActionExecution, manifest: Manifest) -> PlanInput:
    deployment = deployment_of(execution.task)
    return plan_source(deployment, manifest.candidates, manifest.system)


def _with(manifest: Manifest, targets: Iterable[Target]) -> Manifest:
    machines = dict(manifest.machines)
    for target in targets:
        machines[target.id] = MachineData(target.name, tuple(sorted(target.roles)))
    roles = machines_in_role((key, data.roles) for key, data in machines.items())
    return replace(manifest, machines=machines, system={**manifest.system, **roles})
