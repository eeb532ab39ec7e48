"""What people see of a deployment or run that is not carried out yet: plan and changes."""

from collections.abc import Iterator, Mapping, Sequence

from agent.language import VariableSet
from deployments.base.clock import utc_now
from deployments.execution.plan import (
    SERVER_PLACE,
    Placement,
    Plan,
    PlannedAction,
    PlannedStep,
)
from deployments.execution.services.plan_deployment import planned_deployment
from deployments.execution.steps import PropertyKind, find_step_type
from deployments.infrastructure.models import Machine
from deployments.projects.process import Process, has_feature
from deployments.releases.models import Deployment, Run
from deployments.releases.services.exact_plan import (
    ExactAction,
    ExactPlace,
    ExactPlan,
    ExactStep,
)
from deployments.releases.services.queueing import KIND
from deployments.server_tasks.models import ServerTask

# Steps with the same tags share their placements, which are turned once, by identity.
_Known = dict[int, tuple[ExactPlace, ...]]
_Features = Mapping[str, tuple[str, ...]]


def changes_values(deployment: Deployment) -> VariableSet:
    """Return what a template of changes may read: no secrets, and the targets of the plan."""
    task = deployment.task if deployment.task_id else unsaved_task(deployment)
    planned = planned_deployment(deployment, task, hides_sensitive=True)
    targets = {
        place.target_id: place.target_name
        for step in planned.plan.steps
        for action in step.actions
        for place in action.placements
        if place.target_id != SERVER_PLACE
    }
    names = {
        f"Octopus.Deployment.Targets[{number}].{key}": text
        for number, name in targets.items()
        for key, text in (("Id", number), ("Name", name))
    }
    return VariableSet({**planned.known.values, **names})


def preview_plan(deployment: Run, machines: Sequence[Machine]) -> ExactPlan:
    """Return what the planner makes of the deployment now, with the environment's machines.

    Sensitive values are hidden from it, so that none shows in a tag or a condition.
    """
    planned = planned_deployment(
        deployment, unsaved_task(deployment), hides_sensitive=True, machines=machines
    )
    known: _Known = {}
    features = _features(planned.known.process)
    return ExactPlan(
        tuple(
            tuple(_step(step, known, features) for step in group.steps)
            for group in planned.plan.groups
        ),
        tuple(_warnings(planned.plan)),
    )


def _features(process: Process) -> _Features:
    """Return what each action does to the files of its package, by the headings of the form."""
    found: dict[str, tuple[str, ...]] = {}
    for _, action in process.actions():
        step_type = find_step_type(action.action_type)
        found[action.id] = tuple(
            setting.section
            for setting in (step_type.properties if step_type else ())
            if setting.kind is PropertyKind.FEATURE and has_feature(action.properties, setting.name)
        )
    return found


def _warnings(plan: Plan) -> Iterator[str]:
    yield from plan.warnings
    if plan.worker_lease_cap:
        yield (
            f"A worker has at most {plan.worker_lease_cap} actions with the same package at a time."
        )


def _step(step: PlannedStep, known: _Known, features: _Features) -> ExactStep:
    return ExactStep(
        number=step.number,
        name=step.name,
        window=step.window,
        condition=_condition(step.condition, step.expression),
        skip_reason=step.skip_reason,
        actions=tuple(_action(action, step, known, features) for action in step.actions),
    )


def _action(
    action: PlannedAction, step: PlannedStep, known: _Known, features: _Features
) -> ExactAction:
    return ExactAction(
        number=action.number,
        id=action.id,
        name=action.name,
        action_type=action.action_type,
        places=() if step.skip_reason else _places(action, known),
        condition=_condition(action.condition, action.expression),
        skip_reason=action.skip_reason or step.skip_reason,
        attempts=action.attempts,
        is_guided=action.guided,
        features=features.get(action.id, ()),
    )


def _places(action: PlannedAction, known: _Known) -> tuple[ExactPlace, ...]:
    key = id(action.placements)
    if key not in known:
        known[key] = tuple(map(_place, action.placements))
    return known[key]


def _place(place: Placement) -> ExactPlace:
    target = "" if place.target_id == SERVER_PLACE else place.target_id
    worker = place.worker_name if place.worker_id else ""
    return ExactPlace(target, place.target_name, worker, place.error)


def _condition(condition: str, expression: str) -> str:
    return f"Variable: {expression}" if condition == "Variable" else condition


def unsaved_task(deployment: Run) -> ServerTask:
    """Return a task for planning a deployment that is not stored."""
    return ServerTask(pk=0, space=deployment.space, kind=KIND, queued=utc_now(), arguments={})
