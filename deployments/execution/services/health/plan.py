"""Plans a health check: one step for each policy, one command for each target or worker."""

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.timespans import parse_timespan
from deployments.execution.manifest import ActionData, MachineData, Manifest, Value
from deployments.execution.models import ExecutionPlan
from deployments.execution.plan import Group, Placement, Plan, PlannedAction, PlannedStep
from deployments.execution.plan import plan_to_json as to_json
from deployments.execution.services.health.scripts import CONNECTIVITY, script_of
from deployments.execution.services.situation import seal_manifest
from deployments.infrastructure.health.policy import HealthPolicy
from deployments.infrastructure.models import Machine, MachinePolicy, Worker
from deployments.infrastructure.services.health import CHECK_TYPE, CONNECTION_TEST
from deployments.infrastructure.services.health_results import subjects_of
from deployments.infrastructure.services.policies import default_policy, health_policy_of
from deployments.server_tasks.models import ServerTask

_SCRIPT: Final = "Octopus.Action.Script"
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 2, 32
_TIME_LIMIT_S: Final = 300.0
_SLOWEST_START_S: Final = 3600.0

Subject = Machine | Worker


def plan_health(task: ServerTask, *, clock: Clock = utc_now) -> ExecutionPlan:
    """Return the unsaved plan of a health check. Raises Invalid when nothing is left to check."""
    subjects = usable_subjects(task)
    if not subjects:
        raise Invalid("There is nothing to check: none of the targets is enabled with an agent.")
    by_policy: dict[int, list[Subject]] = defaultdict(list)
    for subject in subjects:
        by_policy[subject.policy_id].append(subject)
    policies = [rows[0].policy for rows in by_policy.values()]
    rules = {policy.pk: health_policy_of(policy) for policy in policies}
    default = health_policy_of(default_policy(task.space))
    only = task.arguments.get(CHECK_TYPE) == CONNECTION_TEST
    timeout = parse_timespan(task.arguments.get("MachineTimeout", ""))
    whole = parse_timespan(task.arguments.get("Timeout", ""))
    limit_s = timeout.total_seconds() if timeout else _TIME_LIMIT_S
    steps = tuple(
        _step(number, policy, by_policy[policy.pk], limit_s)
        for number, policy in enumerate(policies, start=1)
    )
    plan = Plan(
        groups=(Group(steps),),
        parallelism=max(_FEWEST_AT_ONCE, min(_MOST_AT_ONCE, 2 * (os.cpu_count() or 1))),
        start_within_s=min(
            _SLOWEST_START_S, max(rule.take_within.total_seconds() for rule in rules.values())
        ),
        time_limit_s=whole.total_seconds() if whole else 0.0,
    )
    manifest = Manifest(
        system=_variables(task),
        actions={
            _action_id(policy): ActionData(
                _properties(rules[policy.pk], default, only_connectivity=only)
            )
            for policy in policies
        },
        machines={
            row.public_id: MachineData(row.name, tuple(getattr(row, "roles", ())))
            for row in subjects
        },
    )
    return ExecutionPlan(
        space=task.space,
        task=task,
        document=to_json(plan),
        places=plan.places,
        sealed_variables=seal_manifest(manifest, task.pk),
        created=clock(),
    )


def usable_subjects(task: ServerTask) -> list[Subject]:
    """Return what the task shall check and can: enabled, with an agent."""
    ids = [str(text) for text in task.arguments.get("MachineIds") or ()]
    return [
        row
        for row in subjects_of(task.space, ids)
        if row.agent_id is not None and not row.is_disabled
    ]


def _step(
    number: int, policy: MachinePolicy, subjects: Sequence[Subject], limit_s: float
) -> PlannedStep:
    action = PlannedAction(
        id=_action_id(policy),
        name="Check health",
        action_type="Octopus.Script",
        number=str(number),
        placements=tuple(Placement(row.public_id, row.name, row.agent_id) for row in subjects),
        time_limit_s=limit_s,
    )
    return PlannedStep(
        id=policy.public_id,
        name=policy.name,
        number=number,
        condition="Always",
        expression="",
        window=0,
        lanes=tuple(row.public_id for row in subjects),
        roles=(),
        actions=(action,),
    )


def _action_id(policy: MachinePolicy) -> str:
    return f"health-{policy.pk}"


def _properties(
    rules: HealthPolicy, default: HealthPolicy, *, only_connectivity: bool
) -> dict[str, Value]:
    only_connectivity = only_connectivity or rules.only_connectivity
    body = CONNECTIVITY if only_connectivity else script_of(rules.script or default.script)
    return {
        f"{_SCRIPT}.ScriptSource": Value("Inline"),
        f"{_SCRIPT}.Syntax": Value("Bash"),
        f"{_SCRIPT}.ScriptBody": Value(body),
    }


def _variables(task: ServerTask) -> dict[str, str]:
    return {
        "Octopus.Task.Id": task.public_id,
        "Octopus.Task.Name": task.description,
        "Octopus.Space.Id": task.space.public_id,
        "Octopus.Space.Name": task.space.name,
    }
