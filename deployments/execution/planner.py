"""From a process, the targets and the options of a task to its plan; pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.contracts import limits
from deployments.execution.acquisition import with_acquisition
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
from deployments.execution.worker_choice import WorkerChoice, WorkerChooser
from deployments.projects.process import Action, Process, Step, split_list
from tenants.matching import matches_tags

_RETRIES: Final = "Octopus.Action.AutoRetry.MaximumCount"
_BACKOFF: Final = "Octopus.Action.AutoRetry.MinimumBackoff"
_TIME_LIMIT: Final = "Octopus.Action.ExecutionTimeout.Minutes"
_BLOCKS: Final = "Octopus.Action.Manual.BlockConcurrentDeployments"
_AFTER: Final = "AfterPackageAcquisition"
_MOST_RETRIES: Final = 20
_TAKES_IN: Final = "Octopus.Action.HealthCheck.IncludeMachinesInDeployment"
TAKES_IN: Final = "IncludeCheckedMachines"


@dataclass(frozen=True, slots=True)
class Target:
    """A machine that may take part. `skip_reason` is set when the project leaves it out.

    One that `may_be_left_out` is left out as well when it turns out not to be available.
    """

    id: str
    name: str
    roles: frozenset[str]
    agent: int | None
    skip_reason: str = ""
    may_be_left_out: bool = False


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
    workers: Iterable[WorkerChoice]
    kinds: Mapping[str, ActionKind]
    environment: str | None
    channel: str | None = None
    tenant_tags: frozenset[str] = frozenset()
    default_pool: str = ""
    pool_names: Mapping[str, str] = field(default_factory=dict)
    skip_actions: frozenset[str] = frozenset()
    specific_machines: frozenset[str] = frozenset()
    excluded_machines: frozenset[str] = frozenset()
    specific_tags: frozenset[str] = frozenset()
    excluded_tags: frozenset[str] = frozenset()
    parallelism: int = DEFAULT_PARALLELISM
    parallelism_is_set: bool = False
    acquire_parallelism: int = DEFAULT_PARALLELISM
    worker_lease_cap: int = 0
    spool_cap: int = limits.SPOOL_CAP
    start_within_s: float = DEFAULT_START_WITHIN_S
    guided_failure: bool = False
    evaluate: Callable[[str], str] = field(default=str)


def make_plan(source: PlanInput) -> Plan:
    """Return the plan."""
    groups: list[list[PlannedStep]] = []
    chooser = WorkerChooser(source.workers, source.default_pool, source.evaluate, source.pool_names)
    tagged = _Tagged(targets_of(source))
    for number, step in enumerate(source.process.steps, start=1):
        if not groups or step.start_trigger != "StartWithPrevious":
            groups.append([])
        planned = _plan_step(source, chooser, tagged, step, number)
        if planned is not None:
            groups[-1].append(planned)
    process = source.process
    return Plan(
        with_acquisition(
            (Group(tuple(steps)) for steps in groups if steps),
            bringing={action.id for _, action in process.actions() if action.brings_packages},
            after={step.id for step in process.steps if step.package_requirement == _AFTER},
            parallelism=source.acquire_parallelism,
            guided=source.guided_failure,
        ),
        parallelism=max(1, source.parallelism),
        start_within_s=source.start_within_s,
        warnings=tuple(_warnings(source, groups)),
        worker_lease_cap=source.worker_lease_cap,
        spool_cap=source.spool_cap,
        may_grow=any(takes_in(action) for _, action in process.actions()),
    )


def takes_in(action: Action) -> bool:
    """Tell whether the action takes new targets into the running deployment."""
    return action.text(_TAKES_IN).strip() == TAKES_IN


def _warnings(source: PlanInput, groups: list[list[PlannedStep]]) -> Iterator[str]:
    """Say what was decided and may surprise."""
    for target in source.targets:
        if target.skip_reason and is_chosen(source, target):
            yield f"{target.name} is left out. {target.skip_reason}"
    for step in (step for steps in groups for step in steps):
        if step.window and source.parallelism_is_set:
            yield (
                f"The window of the step '{step.name}' ({step.window}) counts for it, not the"
                f" variable Octopus.Action.MaxParallelism ({source.parallelism})."
            )


def targets_of(source: PlanInput) -> list[Target]:
    """Return the targets that the machine filters leave, without those left out by policy."""
    return [t for t in source.targets if not t.skip_reason and is_chosen(source, t)]


def is_chosen(source: PlanInput, target: Target) -> bool:
    """Tell whether the filters of the deployment leave the target in."""
    tags = {role.lower() for role in target.roles}
    if target.id in source.excluded_machines or tags & _lower(source.excluded_tags):
        return False
    if not (source.specific_machines or source.specific_tags):
        return True
    return target.id in source.specific_machines or bool(tags & _lower(source.specific_tags))


def _lower(words: Iterable[str]) -> set[str]:
    return {word.lower() for word in words}


class _Machines:
    """Targets, with the placements of actions that run on them themselves."""

    def __init__(self, targets: tuple[Target, ...] = ()) -> None:
        self.targets = targets
        self.placements = tuple(_on_target(target) for target in targets)


class _Tagged:
    """Finds targets by tag; steps with the same tags share what was found."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = [(target, _lower(target.roles)) for target in targets]
        self._found: dict[frozenset[str], _Machines] = {}

    def with_any(self, roles: Iterable[str]) -> _Machines:
        """Return the targets with one of the tags, ignoring case."""
        wanted = frozenset(_lower(roles))
        if wanted not in self._found:
            found = (t for t, tags in self._targets if not wanted.isdisjoint(tags))
            self._found[wanted] = _Machines(tuple(found))
        return self._found[wanted]


def _plan_step(
    source: PlanInput, chooser: WorkerChooser, tagged: _Tagged, step: Step, number: int
) -> PlannedStep | None:
    actions = [action for action in step.actions if _applies(source, action)]
    if not actions:
        return None
    roles = split_list(source.evaluate(",".join(step.target_roles)))
    found = tagged.with_any(roles)
    machines = found.targets
    window = _whole(source.evaluate(step.text("Octopus.Action.MaxParallelism"))) if roles else 0
    skip_reason = ""
    if not machines and all(takes_in(action) for action in actions):
        window = 0  # the first targets may be those that it takes in
    elif roles and not machines:
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
            _plan_action(source, chooser, action, label, None if skip_reason else found, window)
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
    return not action.tenant_tags or matches_tags(action.tenant_tags, source.tenant_tags)


def _plan_action(
    source: PlanInput,
    chooser: WorkerChooser,
    action: Action,
    number: str,
    machines: _Machines | None,
    window: int,
) -> PlannedAction:
    """Plan an action; `machines` is empty without tags and None when no machine has them."""
    kind = source.kinds.get(action.action_type, ActionKind())
    once = kind.on_server and bool(machines and machines.targets) and not window
    skipped = action.id in source.skip_actions and not action.must_run
    retries = _whole(source.evaluate(action.text(_RETRIES))) if kind.may_retry else 0
    minutes = _number(source.evaluate(action.text(_TIME_LIMIT))) if kind.may_retry else 0.0
    return PlannedAction(
        id=action.id,
        name=action.name,
        action_type=action.action_type,
        number=number,
        placements=_placements(chooser, action, kind, _Machines() if once else machines),
        condition=action.condition or "Success",
        expression=action.text("Octopus.Action.ConditionVariableExpression"),
        once=once,
        skip_reason="It was left out when the deployment was created." if skipped else "",
        attempts=1 + min(retries, _MOST_RETRIES),
        backoff_s=_number(source.evaluate(action.text(_BACKOFF))),
        time_limit_s=minutes * 60,
        blocks_others=action.text(_BLOCKS).strip().lower() == "true",
        guided=source.guided_failure and not kind.asks_people,
        required=action.must_run,
    )


def _placements(
    chooser: WorkerChooser, action: Action, kind: ActionKind, machines: _Machines | None
) -> tuple[Placement, ...]:
    if machines is None:
        return (Placement(),)
    targets = machines.targets
    if kind.on_server:
        return tuple(Placement(m.id, m.name) for m in targets) or (Placement(),)
    if targets and not action.runs_on_server:
        return machines.placements
    worker, problem = chooser.choose(action)
    places = [Placement(machine.id, machine.name) for machine in targets] or [Placement()]
    return tuple(_on_worker(place, worker, problem) for place in places)


def _on_target(machine: Target) -> Placement:
    error = "" if machine.agent is not None else "The target has no Tentacle."
    return Placement(
        machine.id,
        machine.name,
        machine.agent,
        error=error,
        may_be_left_out=machine.may_be_left_out and not error,
    )


def _on_worker(place: Placement, worker: WorkerChoice | None, problem: str) -> Placement:
    if worker is None:
        return Placement(place.target_id, place.target_name, error=problem)
    name = SERVER_NAME if worker.is_built_in else worker.name
    about_server = place.target_id == SERVER_PLACE
    return Placement(
        place.target_id,
        name if about_server else place.target_name,
        worker.agent,
        worker.id,
        worker.name,
        pool_id=worker.pool_id,
        pool_name=worker.pool_name,
    )


def _whole(text: str) -> int:
    stripped = text.strip()
    return int(stripped) if stripped.isdecimal() else 0


def _number(text: str) -> float:
    try:
        value = float(text.strip() or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < 10**8 else 0.0
