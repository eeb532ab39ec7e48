"""From a process, the targets and the options of a task to its plan; pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from deployments.execution.plan import (
    DEFAULT_PARALLELISM,
    DEFAULT_START_WITHIN_S,
    SERVER_NAME,
    SERVER_PLACE,
    Group,
    Placement,
    Plan,
    PlannedAction,
    PlannedStep,
)
from deployments.projects.process import Action, Process, Step, split_list

_RETRIES: Final = "Octopus.Action.AutoRetry.MaximumCount"
_BACKOFF: Final = "Octopus.Action.AutoRetry.MinimumBackoff"
_TIME_LIMIT: Final = "Octopus.Action.ExecutionTimeout.Minutes"
_BLOCKS: Final = "Octopus.Action.Manual.BlockConcurrentDeployments"
_MOST_RETRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Target:
    """A machine that may take part. `skip_reason` is set when its policy lets it be left out."""

    id: str
    name: str
    roles: frozenset[str]
    agent: int | None
    skip_reason: str = ""


@dataclass(frozen=True, slots=True)
class WorkerChoice:
    """A worker that may run actions on behalf of the server, and the pools it is in."""

    id: str
    name: str
    agent: int | None
    pools: frozenset[str]
    is_built_in: bool = False
    is_available: bool = True


@dataclass(frozen=True, slots=True)
class ActionKind:
    """What the planner must know of an action type."""

    on_server: bool = False
    may_retry: bool = True
    asks_people: bool = False


@dataclass(frozen=True, slots=True)
class PlanInput:
    """The snapshot that a plan is made from. Ids are public ids; `evaluate` resolves #{…}."""

    process: Process
    targets: Sequence[Target]
    workers: Sequence[WorkerChoice]
    kinds: Mapping[str, ActionKind]
    environment: str | None
    channel: str | None = None
    tenant_tags: frozenset[str] = frozenset()
    default_pool: str = ""
    skip_actions: frozenset[str] = frozenset()
    specific_machines: frozenset[str] = frozenset()
    excluded_machines: frozenset[str] = frozenset()
    parallelism: int = DEFAULT_PARALLELISM
    start_within_s: float = DEFAULT_START_WITHIN_S
    guided_failure: bool = False
    evaluate: Callable[[str], str] = field(default=str)


def make_plan(source: PlanInput) -> Plan:
    """Return the plan."""
    groups: list[list[PlannedStep]] = []
    for number, step in enumerate(source.process.steps, start=1):
        if not groups or step.start_trigger != "StartWithPrevious":
            groups.append([])
        planned = _plan_step(source, step, number)
        if planned is not None:
            groups[-1].append(planned)
    return Plan(
        tuple(Group(tuple(steps)) for steps in groups if steps),
        parallelism=max(1, source.parallelism),
        start_within_s=source.start_within_s,
    )


def targets_of(source: PlanInput) -> list[Target]:
    """Return the targets that the machine filters leave, without those left out by policy."""
    return [
        target
        for target in source.targets
        if not target.skip_reason
        and (not source.specific_machines or target.id in source.specific_machines)
        and target.id not in source.excluded_machines
    ]


def _plan_step(source: PlanInput, step: Step, number: int) -> PlannedStep | None:
    actions = [action for action in step.actions if _applies(source, action)]
    if not actions:
        return None
    roles = split_list(source.evaluate(",".join(step.target_roles)))
    wanted = {role.lower() for role in roles}
    machines = [
        target
        for target in targets_of(source)
        if wanted.intersection(role.lower() for role in target.roles)
    ]
    window = _whole(source.evaluate(step.text("Octopus.Action.MaxParallelism"))) if roles else 0
    skip_reason = ""
    if roles and not machines:
        window = 0
        skip_reason = f"No deployment target has the tag {' or '.join(roles)}."
    lanes = tuple(machine.id for machine in machines) if machines else (SERVER_PLACE,)
    numbered = [
        (action, f"{number}.{position}" if len(step.actions) > 1 else str(number))
        for position, action in enumerate(step.actions, start=1)
        if action in actions
    ]
    return PlannedStep(
        id=step.id,
        name=step.name,
        number=number,
        condition=step.condition or "Success",
        expression=step.text("Octopus.Step.ConditionVariableExpression"),
        window=window,
        lanes=lanes,
        roles=roles,
        actions=tuple(
            _plan_action(source, action, label, None if skip_reason else machines, window)
            for action, label in numbered
        ),
        skip_reason=skip_reason,
    )


def _applies(source: PlanInput, action: Action) -> bool:
    # Tenant tags are judged below, with the tags of the deployment's tenant.
    if not action.applies_to(
        environment=source.environment, channel=source.channel, is_tenanted=True
    ):
        return False
    return not action.tenant_tags or not source.tenant_tags.isdisjoint(action.tenant_tags)


def _plan_action(
    source: PlanInput, action: Action, number: str, machines: list[Target] | None, window: int
) -> PlannedAction:
    """Plan an action; `machines` is empty without tags and None when no machine has them."""
    kind = source.kinds.get(action.action_type, ActionKind())
    once = kind.on_server and bool(machines) and not window
    skipped = action.id in source.skip_actions and not action.is_required
    retries = _whole(source.evaluate(action.text(_RETRIES))) if kind.may_retry else 0
    minutes = _number(source.evaluate(action.text(_TIME_LIMIT))) if kind.may_retry else 0.0
    return PlannedAction(
        id=action.id,
        name=action.name,
        action_type=action.action_type,
        number=number,
        placements=_placements(source, action, kind, [] if once else machines),
        condition=action.condition or "Success",
        expression=action.text("Octopus.Action.ConditionVariableExpression"),
        once=once,
        skip_reason="It was left out when the deployment was created." if skipped else "",
        attempts=1 + min(retries, _MOST_RETRIES),
        backoff_s=_number(source.evaluate(action.text(_BACKOFF))),
        time_limit_s=minutes * 60,
        blocks_others=action.text(_BLOCKS).strip().lower() == "true",
        guided=source.guided_failure and not kind.asks_people,
        required=action.is_required,
    )


def _placements(
    source: PlanInput, action: Action, kind: ActionKind, machines: list[Target] | None
) -> tuple[Placement, ...]:
    if machines is None:
        return (Placement(),)
    if kind.on_server:
        return tuple(Placement(m.id, m.name) for m in machines) or (Placement(),)
    if machines and not action.runs_on_server:
        return tuple(_on_target(machine) for machine in machines)
    workers, problem = _workers(source, action)
    if not machines:
        return (_on_worker(Placement(), workers, 0, problem),)
    return tuple(
        _on_worker(Placement(machine.id, machine.name), workers, position, problem)
        for position, machine in enumerate(machines)
    )


def _on_target(machine: Target) -> Placement:
    error = "" if machine.agent is not None else "The target has no Tentacle."
    return Placement(machine.id, machine.name, machine.agent, error=error)


def _on_worker(
    place: Placement, workers: list[WorkerChoice], position: int, problem: str
) -> Placement:
    if not workers:
        return Placement(place.target_id, place.target_name, error=problem)
    worker = workers[position % len(workers)]
    name = SERVER_NAME if worker.is_built_in else worker.name
    about_server = place.target_id == SERVER_PLACE
    return Placement(
        place.target_id,
        name if about_server else place.target_name,
        worker.agent,
        worker.id,
        worker.name,
    )


def _workers(source: PlanInput, action: Action) -> tuple[list[WorkerChoice], str]:
    """Return the workers of the action's pool, those that are up first, else why none."""
    pool = action.worker_pool_id
    if action.worker_pool_variable:
        pool = source.evaluate(f"#{{{action.worker_pool_variable}}}").strip()
    pool = pool or source.default_pool
    usable = [w for w in source.workers if pool in w.pools and w.agent is not None]
    if not usable:
        return [], f"The worker pool {pool or 'Default'} has no worker that is enabled."
    available = [worker for worker in usable if worker.is_available]
    return available or usable, ""


def _whole(text: str) -> int:
    stripped = text.strip()
    return int(stripped) if stripped.isdecimal() else 0


def _number(text: str) -> float:
    try:
        value = float(text.strip() or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < 10**8 else 0.0
