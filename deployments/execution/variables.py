"""The variables of one execution: scoped values, system values, outputs, the action's settings.

Pure. What is common to all executions of one decision is made once (`Shared`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from agent.language import (
    Evaluation,
    FilterError,
    LanguageError,
    LimitExceeded,
    VariableSet,
    evaluate_all,
    evaluate_truthy,
    is_template,
)
from deployments.execution.manifest import ActionData, Manifest, TokenRequest, Value
from deployments.execution.plan import SERVER_PLACE, Placement, Plan, PlannedAction, PlannedStep
from deployments.execution.progress_variables import (
    Status,
    indexed_packages,
    package_variables,
    status_variables,
    target_variables,
)
from deployments.execution.references import TOKEN_VARIABLE, scope_context, token_life
from deployments.library.references import REFERENCE_TYPES, TOKEN_PART
from deployments.library.scoping import Candidate, winning
from deployments.projects.known_variables import (
    action_variables,
    machine_variables,
    step_variables,
)

_SHORTEST_MASK: Final = 4
_MOST_PROBLEMS: Final = 10
# Seconds for all values at a place; thousands of them take a fraction of one.
_PATIENCE: Final = 10.0
_STATUS: Final = ("IsSkipped", "Status.Code", "Status.Error", "Status.ErrorDetail")


@dataclass(frozen=True, slots=True)
class Output:
    """An output variable of the last attempt of an action at a place."""

    action_name: str
    target_id: str
    target_name: str
    name: str
    value: Value


@dataclass(slots=True)
class Variables:
    """Values by name without regard to case; the last one set counts.

    `problems` says which of them stay as they are written, and why; no secret is in it.
    """

    values: dict[str, tuple[str, Value]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

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


def _unsigned(request: TokenRequest, life: timedelta) -> str:
    del life
    raise ValueError(f"Nobody signs a token for {request.audience}.")


@dataclass
class Shared:
    """What every execution of one decision has in common, compiled once.

    `sign` makes the token of an account that has one, good for as long as it is told.
    """

    plan: Plan
    manifest: Manifest
    outputs: Iterable[Output] = ()
    statuses: Iterable[Status] = ()
    sign: Callable[[TokenRequest, timedelta], str] = _unsigned

    def __post_init__(self) -> None:
        self._places = {lane: n for n, lane in enumerate(self.plan.target_ids())}
        self._by_action = {
            action.id: (step, action) for step in self.plan.steps for action in step.actions
        }
        self._base = Variables()
        self._base.update(self.manifest.system)
        self._base.update(target_variables(self.plan, self.manifest.machines))
        self._base.update(status_variables(self.plan, self.statuses))
        self._own_outputs: dict[str, list[Output]] = {}
        self._gave_up: LimitExceeded | None = None
        self._add_outputs()
        self._base.update(indexed_packages(self.plan, self.manifest))

    def variables_of(self, action_id: str, target_id: str) -> Variables:
        """Return all variables of an action at a place, every value evaluated.

        Raises LimitExceeded when that takes too long; it is not tried at another place then.
        """
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
        raw.update(self._own_status(step, action))
        if place.worker_id:
            raw.update(worker_variables(place))
        if machine := self.manifest.machines.get(place.target_id):
            targeted = set(step.roles).intersection(machine.roles)
            raw.set("Octopus.Tentacle.CurrentDeployment.TargetedRoles", ",".join(sorted(targeted)))
        for name, value in data.properties.items():
            raw.values[name.lower()] = (name, value)
        for package in data.packages:
            raw.update(package_variables(package))
        return raw

    def _own_status(self, step: PlannedStep, action: PlannedAction) -> dict[str, str]:
        """Return how the step and the action stand, as they are named without an index."""
        owners = {"Step": step.name, "Action": action.name}
        return {
            f"Octopus.{kind}.{what}": self._base.text(f"Octopus.{kind}[{name}].{what}")
            for kind, name in owners.items()
            for what in _STATUS
            if f"octopus.{kind}[{name}].{what}".lower() in self._base.values
        }

    def _in_scope(self, action_id: str | None, roles: tuple[str, ...], target_id: str) -> Variables:
        manifest = self.manifest
        machine = manifest.machines.get(target_id)
        won = winning(manifest.candidates, scope_context(manifest, action_id, roles, target_id))
        result = Variables(
            {
                name: (each.name, Value(each.value or "", each.is_sensitive))
                for name, each in won.items()
            }
        )
        if manifest.references:
            self._add_references(result, won.values(), action_id, target_id)
        result.values.update(self._base.values)
        if machine:
            result.update(machine_variables(target_id, machine.name, machine.roles))
        for output in self._own_outputs.get(target_id, ()):
            name = f"Octopus.Action[{output.action_name}].Output.{output.name}"
            result.values[name.lower()] = (name, output.value)
        return result

    def _add_references(
        self, result: Variables, won: Iterable[Candidate], action_id: str | None, target_id: str
    ) -> None:
        """Add the parts of accounts and certificates; a variable of that very name goes before."""
        _, action = self._by_action.get(action_id or "", (None, None))
        place = action.placement(target_id) if action else None
        life = token_life(
            self.plan.start_within_s,
            action.time_limit_s if action else 0,
            takes_turns=place is not None and place.agent is not None and not place.worker_id,
        )
        for each in won:
            found = self.manifest.references.get(each.value or "")
            if found is None or each.kind not in REFERENCE_TYPES:
                continue
            parts = {f"{each.name}.{name}": value for name, value in found.parts.items()}
            if found.token is not None:
                token = Value(self.sign(found.token, life), is_sensitive=True)
                parts |= {f"{each.name}.{TOKEN_PART}": token, TOKEN_VARIABLE: token}
            for name, value in parts.items():
                result.values.setdefault(name.lower(), (name, value))

    def _evaluated(self, raw: Variables) -> Variables:
        templates = {
            key: (name, value)
            for key, (name, value) in raw.values.items()
            if is_template(value.text)
        }
        if not templates:
            return raw
        if self._gave_up is not None:
            raise LimitExceeded(str(self._gave_up))
        names = [name for name, _ in templates.values()]
        try:
            evaluated = evaluate_all(_set_of(raw), names=names, seconds=_PATIENCE)
        except LimitExceeded as error:
            self._gave_up = error
            raise
        result = raw.copy()
        for key, (name, value) in templates.items():
            result.values[key] = (name, Value(evaluated[name].text, value.is_sensitive))
        open_names = {name for name, value in templates.values() if not value.is_sensitive}
        result.problems = tuple(_problems(evaluated, open_names))
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


def _problems(evaluated: Mapping[str, Evaluation], open_names: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with values that could not be evaluated.

    Nothing is told of what a secret says, nor of what a filter was given: it may be a part of one.
    """
    failed = [(name, each.failure) for name, each in evaluated.items() if each.failure]
    for name, failure in failed[:_MOST_PROBLEMS]:
        why = str(failure) if name in open_names else "it cannot be evaluated."
        if isinstance(failure, FilterError):
            why = "a filter in it cannot work with what it is given."
        yield f"The value of {name} stays as it is written: {why}"
    if len(failed) > _MOST_PROBLEMS:
        yield f"{len(failed) - _MOST_PROBLEMS} more values stay as they are written."


def masks(variables: Variables) -> list[str]:
    """Return the secret texts that must not appear in logs."""
    secrets = {value.text for _, value in variables if value.is_sensitive}
    return sorted(text for text in secrets if len(text) >= _SHORTEST_MASK)


def _set_of(raw: Variables) -> VariableSet:
    return VariableSet({name: value.text for name, value in raw})


def worker_variables(place: Placement) -> dict[str, str]:
    """Return the worker that runs the action, and the pool that it was taken from."""
    values = {"Octopus.Worker.Id": place.worker_id, "Octopus.Worker.Name": place.worker_name}
    if place.pool_id:
        values["Octopus.WorkerPool.Id"] = place.pool_id
        values["Octopus.WorkerPool.Name"] = place.pool_name
    return values
