"""What variables say of the steps, actions and targets of a plan while it is carried out; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from deployments.execution.manifest import MachineData, Manifest, PackageFile
from deployments.execution.plan import Plan
from deployments.execution.states import ExecutionState

# Each target would get the names of all others; beyond so many the list of their ids must do.
MOST_NAMED_TARGETS: Final = 100
_STATUS_CODES: Final = {
    ExecutionState.PENDING: "Running",
    ExecutionState.RUNNING: "Running",
    ExecutionState.WAITING: "Running",
    ExecutionState.SUCCEEDED: "Succeeded",
    ExecutionState.FAILED: "Failed",
    ExecutionState.LOST: "Failed",
    ExecutionState.CANCELED: "Canceled",
    ExecutionState.SKIPPED: "Skipped",
    ExecutionState.LEFT_OUT: "Skipped",
}
_FAILURES: Final = frozenset({ExecutionState.FAILED, ExecutionState.LOST})


@dataclass(frozen=True, slots=True)
class Status:
    """How the last attempt of an action at a place stands.

    A failure that people said to ignore, or that left with its machine, does not count.
    """

    action_id: str
    target_id: str
    state: ExecutionState
    error: str = ""
    is_forgiven: bool = False


def status_variables(plan: Plan, statuses: Iterable[Status]) -> dict[str, str]:
    """Return how every step and action stands, by its name, and what failed first."""
    by_action: dict[str, list[Status]] = {}
    for status in statuses:
        by_action.setdefault(status.action_id, []).append(status)
    values: dict[str, str] = {}
    failed: list[str] = []
    for step in plan.steps:
        prefix = f"Octopus.Step[{step.name}]"
        mine = [status for action in step.actions for status in by_action.get(action.id, [])]
        values |= {
            f"{prefix}.Id": step.id,
            f"{prefix}.Name": step.name,
            f"{prefix}.Number": str(step.number),
            f"{prefix}.Status.Code": _code(mine),
            **_error_variables(prefix, mine),
        }
        if errors := _errors(mine):
            failed.append(f"The step '{step.name}' failed: {errors[0]}")
        for action in step.actions:
            states = by_action.get(action.id, [])
            skipped = bool(states) and all(_STATUS_CODES[s.state] == "Skipped" for s in states)
            prefix = f"Octopus.Action[{action.name}]"
            values |= {
                f"{prefix}.Id": action.id,
                f"{prefix}.Name": action.name,
                f"{prefix}.Number": action.number,
                f"{prefix}.IsSkipped": str(skipped),
                f"{prefix}.TargetRoles": ",".join(step.roles),
                **_error_variables(prefix, states),
            }
    if failed:
        values["Octopus.Deployment.Error"] = failed[0]
        values["Octopus.Deployment.ErrorDetail"] = "\n".join(failed)
    return values


def target_variables(plan: Plan, machines: Mapping[str, MachineData]) -> dict[str, str]:
    """Return the targets that take part: their ids, and of a hundred at most their names."""
    ids = plan.target_ids()
    values = {"Octopus.Deployment.Machines": ",".join(ids)}
    if len(ids) > MOST_NAMED_TARGETS:
        return values
    for target_id in ids:
        if machine := machines.get(target_id):
            values[f"Octopus.Deployment.Targets[{target_id}].Id"] = target_id
            values[f"Octopus.Deployment.Targets[{target_id}].Name"] = machine.name
    return values


def indexed_packages(plan: Plan, manifest: Manifest) -> dict[str, str]:
    """Return the packages of every action as Octopus.Action[Name].Package..."""
    return {
        name.replace("Octopus.Action.", f"Octopus.Action[{action.name}].", 1): text
        for step in plan.steps
        for action in step.actions
        if (data := manifest.actions.get(action.id))
        for package in data.packages
        for name, text in package_variables(package).items()
    }


def package_variables(package: PackageFile) -> dict[str, str]:
    """Return what is known of a package of the action, before an agent has it."""
    values = {
        "PackageId": package.package_id,
        "PackageVersion": package.version,
        "FeedId": package.feed_id,
    }
    prefix = f"Octopus.Action.Package[{package.name}]"
    named = {f"{prefix}.{name}": text for name, text in values.items()}
    named[f"{prefix}.Version"] = package.version
    if package.name:
        return named
    primary = {f"Octopus.Action.Package.{name}": text for name, text in values.items()}
    return {**named, **primary}


def _code(statuses: list[Status]) -> str:
    if not statuses:
        return "Pending"
    codes = {
        "Succeeded" if status.is_forgiven else _STATUS_CODES[status.state] for status in statuses
    }
    known = ("Running", "Failed", "Canceled", "Succeeded")
    return next((code for code in known if code in codes), "Skipped")


def _errors(statuses: list[Status]) -> list[str]:
    """Return what failed and counts, each text once, the first one first."""
    found = (
        s.error or "It failed." for s in statuses if s.state in _FAILURES and not s.is_forgiven
    )
    return list(dict.fromkeys(found))


def _error_variables(prefix: str, statuses: list[Status]) -> dict[str, str]:
    errors = _errors(statuses)
    if not errors:
        return {}
    return {
        f"{prefix}.Status.Error": errors[0],
        f"{prefix}.Status.ErrorDetail": "\n".join(errors),
    }
