"""The variables of one execution: scoped values, system values, outputs, the action's settings.

Pure. What is common to all executions of one decision is made once (`Shared`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.language import (
    LanguageError,
    VariableSet,
    evaluate_all,
    evaluate_truthy,
    is_template,
)
from deployments.execution.manifest import ActionData, Manifest, PackageFile, Value
from deployments.execution.plan import SERVER_PLACE, Placement, Plan, PlannedAction, PlannedStep
from deployments.execution.states import ExecutionState
from deployments.library.scoping import ScopeContext, winning
from deployments.projects.known_variables import (
    action_variables,
    machine_variables,
    step_variables,
)

_SHORTEST_MASK: Final = 4
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


@dataclass(frozen=True, slots=True)
class Output:
    """An output variable of the last attempt of an action at a place."""

    action_name: str
    target_id: str
    target_name: str
    name: str
    value: Value


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


@dataclass(slots=True)
class Variables:
    """Values by name without regard to case; the last one set counts."""

    values: dict[str, tuple[str, Value]] = field(default_factory=dict)

    def set(self, name: str, text: str | None, *, sensitive: bool = False) -> None:
        self.values[name.lower()] = (name, Value(text or "", sensitive))

    def update(self, values: Mapping[str, str]) -> None:
        for name, text in values.items():
            self.values[name.lower()] = (name, Value(text))

    def text(self, name: str, default: str = "") -> str:
        """Return the value of the name."""
        found = self.values.get(name.lower())
        return default if found is None else found[1].text

    def copy(self) -> "Variables":
        return Variables(dict(self.values))

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        return iter(self.values.values())


@dataclass
class Shared:
    """What every execution of one decision has in common, compiled once."""

    plan: Plan
    manifest: Manifest
    outputs: Iterable[Output] = ()
    statuses: Iterable[Status] = ()

    def __post_init__(self) -> None:
        self._places = {lane: n for n, lane in enumerate(self.plan.target_ids())}
        self._by_action = {
            action.id: (step, action) for step in self.plan.steps for action in step.actions
        }
        self._base = Variables()
        self._base.update(self.manifest.system)
        self._add_statuses()
        self._own_outputs: dict[str, list[Output]] = {}
        self._add_outputs()
        self._settings_of_actions()

    def variables_of(self, action_id: str, target_id: str) -> Variables:
        """Return all variables of an action at a place, every value evaluated."""
        step, action = self._by_action[action_id]
        return self._evaluated(self._raw(step, action, action.placement(target_id)))

    def is_true(self, expression: str, action_id: str, target_id: str) -> bool:
        """Return whether a run condition holds; one that cannot be resolved does not."""
        found = self._by_action.get(action_id)
        raw = self._raw(*found, found[1].placement(target_id)) if found else Variables()
        if not found:
            raw = self._in_scope(None, (), target_id)
        try:
            return evaluate_truthy(expression, _set_of(raw))
        except LanguageError:
            return False

    def _raw(self, step: PlannedStep, action: PlannedAction, place: Placement | None) -> Variables:
        place = place or Placement()
        raw = self._in_scope(action.id, step.roles, place.target_id)
        data = self.manifest.actions.get(action.id, ActionData())
        raw.update(step_variables(step.id, step.name, step.number))
        raw.update(action_variables(action.id, action.name, action.number, step.roles))
        if place.worker_id:
            raw.update(
                {"Octopus.Worker.Id": place.worker_id, "Octopus.Worker.Name": place.worker_name}
            )
        for name, value in data.properties.items():
            raw.values[name.lower()] = (name, value)
        for package in data.packages:
            raw.update(_package_variables(package))
        return raw

    def _in_scope(self, action_id: str | None, roles: tuple[str, ...], target_id: str) -> Variables:
        manifest = self.manifest
        machine = manifest.machines.get(target_id)
        context = ScopeContext(
            environment=manifest.environment,
            machine=target_id if machine else None,
            roles=frozenset(machine.roles) if machine else frozenset(),
            target_roles=frozenset(roles),
            action=action_id,
            channel=manifest.channel,
            tenant=manifest.tenant,
            tenant_tags=frozenset(manifest.tenant_tags),
            process_owner=manifest.process_owner,
            project=manifest.project,
        )
        result = Variables(
            {
                name: (each.name, Value(each.value or "", each.is_sensitive))
                for name, each in winning(manifest.candidates, context).items()
            }
        )
        result.values.update(self._base.values)
        if machine:
            result.update(machine_variables(target_id, machine.name, machine.roles))
        for output in self._own_outputs.get(target_id, ()):
            name = f"Octopus.Action[{output.action_name}].Output.{output.name}"
            result.values[name.lower()] = (name, output.value)
        return result

    def _evaluated(self, raw: Variables) -> Variables:
        templates = {
            key: (name, value)
            for key, (name, value) in raw.values.items()
            if is_template(value.text)
        }
        if not templates:
            return raw
        evaluated = evaluate_all(_set_of(raw), names=[name for name, _ in templates.values()])
        result = raw.copy()
        for key, (name, value) in templates.items():
            result.values[key] = (name, Value(evaluated[name].text, value.is_sensitive))
        return result

    def _add_outputs(self) -> None:
        """Add outputs in the order of the targets, so that the last one is always the same."""
        ordered = sorted(self.outputs, key=lambda o: self._places.get(o.target_id, -1))
        for output in ordered:
            prefix = f"Octopus.Action[{output.action_name}].Output"
            names = [f"{prefix}.{output.name}"]
            if output.target_id != SERVER_PLACE:
                names.append(f"{prefix}[{output.target_name}].{output.name}")
                self._own_outputs.setdefault(output.target_id, []).append(output)
            for name in names:
                self._base.values[name.lower()] = (name, output.value)

    def _add_statuses(self) -> None:
        by_action: dict[str, list[Status]] = {}
        for status in self.statuses:
            by_action.setdefault(status.action_id, []).append(status)
        errors: list[str] = []
        for step in self.plan.steps:
            mine = [status for action in step.actions for status in by_action.get(action.id, [])]
            prefix = f"Octopus.Step[{step.name}]"
            code, error = _summary(mine)
            self._base.update(
                {
                    f"{prefix}.Name": step.name,
                    f"{prefix}.Number": str(step.number),
                    f"{prefix}.Status.Code": code,
                }
            )
            if error:
                self._base.update({f"{prefix}.Status.Error": error})
                errors.append(f"The step '{step.name}' failed: {error}")
            for action in step.actions:
                states = by_action.get(action.id, [])
                skipped = bool(states) and all(_STATUS_CODES[s.state] == "Skipped" for s in states)
                self._base.update(
                    {
                        f"Octopus.Action[{action.name}].Name": action.name,
                        f"Octopus.Action[{action.name}].IsSkipped": str(skipped),
                    }
                )
        if errors:
            self._base.update(
                {
                    "Octopus.Deployment.Error": errors[0],
                    "Octopus.Deployment.ErrorDetail": "\n".join(errors),
                }
            )

    def _settings_of_actions(self) -> None:
        """Make a few settings of every action readable as Octopus.Action[Name].X."""
        for action_id, data in self.manifest.actions.items():
            found = self._by_action.get(action_id)
            if found is None:
                continue
            for package in data.packages:
                for name, text in _package_variables(package).items():
                    indexed = name.replace(
                        "Octopus.Action.", f"Octopus.Action[{found[1].name}].", 1
                    )
                    self._base.update({indexed: text})


def masks(variables: Variables) -> list[str]:
    """Return the secret texts that must not appear in logs."""
    secrets = {value.text for _, value in variables if value.is_sensitive}
    return sorted(text for text in secrets if len(text) >= _SHORTEST_MASK)


def _set_of(raw: Variables) -> VariableSet:
    return VariableSet({name: value.text for name, value in raw})


def _summary(statuses: list[Status]) -> tuple[str, str]:
    """Return the status code of a step and the first error."""
    if not statuses:
        return "Pending", ""
    codes = {
        "Succeeded" if status.is_forgiven else _STATUS_CODES[status.state] for status in statuses
    }
    failures = (s for s in statuses if s.state in _FAILURES and not s.is_forgiven)
    error = next((s.error or "It failed." for s in failures), "")
    for code in ("Running", "Failed", "Canceled", "Succeeded"):
        if code in codes:
            return code, error
    return "Skipped", error


_FAILURES = frozenset({ExecutionState.FAILED, ExecutionState.LOST})


def _package_variables(package: PackageFile) -> dict[str, str]:
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
