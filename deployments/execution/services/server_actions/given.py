"""What an action of the server is given to work with."""

from collections.abc import Sequence

from django.db.models import Q

from deployments.access.models import User
from deployments.base import public_ids
from deployments.base.settings_rows import opened_settings
from deployments.execution.logs.append import write_lines
from deployments.execution.manifest import ActionData
from deployments.execution.models import ActionExecution, ExecutionPlan
from deployments.execution.services.newcomers import newcomers, take_in
from deployments.execution.services.situation import read_situation
from deployments.execution.steps import ServerAction, StepType


def given_action(execution: ActionExecution, step_type: StepType) -> ServerAction:
    """Read variables, settings and plan of an action; its log takes what it says."""
    task = execution.task
    plan = ExecutionPlan.objects.in_space(task.space).get(task=task)
    situation = read_situation(task, plan)
    step, _ = situation.actions[execution.action_id]
    data = situation.manifest.actions.get(execution.action_id, ActionData())

    def say(level: str, text: str) -> None:
        write_lines(task, execution, [(level, text)])

    return ServerAction(
        id=execution.public_id,
        variables=situation.shared.variables_of(execution.action_id, execution.target_id),
        settings=_settings(step_type.settings),
        addresses_of=_addresses_of,
        log=say,
        properties={
            name: value.text for name, value in data.properties.items() if not value.is_sensitive
        },
        execution=execution,
        step=step,
        newcomers=lambda: {row.id: row.name for row in newcomers(execution, step.roles)},
        take_in=lambda ids: take_in(execution, ids),
    )


def _settings(prefixes: Sequence[str]) -> dict[str, object]:
    """Return the server settings below the prefixes."""
    values: dict[str, object] = {}
    for prefix in prefixes:
        values |= opened_settings(f"{prefix}.")
    return values


def _addresses_of(team_ids: Sequence[str]) -> list[str]:
    """Return the addresses of the active members of teams."""
    numbers = [number for text in team_ids if (number := public_ids.parse("Teams", text))]
    if not team_ids:
        return []
    members = User.objects.filter(
        Q(teams__pk__in=numbers) | Q(teams__built_in_id__in=list(team_ids)), is_active=True
    )
    found = members.exclude(email="").order_by("pk").distinct()
    return list(found.values_list("email", flat=True))
