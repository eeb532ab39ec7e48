"""The process as the editor draws it: numbered rows, and brackets around what runs together."""

from collections.abc import Mapping
from dataclasses import dataclass

from deployments.projects.process import Action, Process, Step
from deployments.projects.process.editing import parallel_groups
from deployments.projects.process.shape import DEPLOY_RELEASE, MAX_PARALLELISM, PACKAGE_ID
from deployments.projects.step_catalogue import StepKind, step_kinds

_ICONS = {
    "Octopus.Script": "terminal",
    DEPLOY_RELEASE: "branch",
    "Octopus.TentaclePackage": "package",
    "Octopus.JavaArchive": "package",
    "Octopus.Nginx": "globe",
    "Octopus.SystemdService": "gear",
    "Octopus.Manual": "person",
    "Octopus.Email": "message",
    "Octopus.HttpRequest": "globe",
    "Octopus.HealthCheck": "pulse",
    "Octopus.TransferPackage": "transfer",
}
# Scripts and packages are what most processes are made of.
_FIRST_CATEGORIES = ("Script", "Package")
_CONDITIONS = {
    "Failure": "Only after a failure",
    "Always": "Always runs, also after a failure",
    "Variable": "When its expression is true",
}


@dataclass(frozen=True)
class ActionRow:
    """One line of the list."""

    number: str
    action: Action
    icon: str
    kind_name: str
    where: tuple[str, ...]
    details: tuple[str, ...]
    environments: tuple[str, ...]
    excluded: tuple[str, ...]
    package: str
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class StepRows:
    """A step: one row, or a bracket around the rows of its actions."""

    step: Step
    rows: tuple[ActionRow, ...]
    title: str
    details: tuple[str, ...]

    @property
    def is_bracket(self) -> bool:
        return len(self.rows) > 1


@dataclass(frozen=True)
class Group:
    """Steps that start together."""

    steps: tuple[StepRows, ...]
    title: str

    @property
    def is_bracket(self) -> bool:
        return len(self.steps) > 1


def icon_of(action_type: str) -> str:
    """Return the icon of a kind of step."""
    return _ICONS.get(action_type, "gear")


def kinds_by_category() -> list[tuple[str, list[tuple[StepKind, str]]]]:
    """Return the kinds of steps with their icons, the categories used most first."""
    found: dict[str, list[tuple[StepKind, str]]] = {name: [] for name in _FIRST_CATEGORIES}
    for kind in step_kinds():
        found.setdefault(kind.category, []).append((kind, icon_of(kind.action_type)))
    return [(category, kinds) for category, kinds in found.items() if kinds]


def process_groups(
    process: Process, kinds: Mapping[str, StepKind], environments: Mapping[str, str]
) -> list[Group]:
    """Return the rows of all steps; `environments` maps public ids to names."""
    number = 0
    groups = []
    for steps in parallel_groups(process):
        rows = []
        for step in steps:
            number += 1
            is_end = (number == 1, number == len(process.steps))
            rows.append(_step_rows(step, number, is_end, kinds, environments))
        before = f" when step {number - len(steps)} is done" if number > len(steps) else ""
        groups.append(Group(tuple(rows), f"all start{before}" if before else "all start at once"))
    return groups


def _step_rows(
    step: Step,
    number: int,
    is_end: tuple[bool, bool],
    kinds: Mapping[str, StepKind],
    environments: Mapping[str, str],
) -> StepRows:
    many = len(step.actions) > 1
    rows = []
    for place, action in enumerate(step.actions, start=1):
        is_first = place == 1 if many else is_end[0]
        is_last = place == len(step.actions) if many else is_end[1]
        kind = kinds.get(action.action_type)
        rows.append(
            ActionRow(
                number=f"{number}.{place}" if many else str(number),
                action=action,
                icon=icon_of(action.action_type),
                kind_name=kind.name if kind else action.action_type,
                where=() if many else _where(step, action, kind),
                details=() if many else _details(step),
                environments=tuple(environments.get(e, e) for e in action.environments),
                excluded=tuple(environments.get(e, e) for e in action.excluded_environments),
                package=_package(action),
                is_first=is_first,
                is_last=is_last,
            )
        )
    roles = tuple(f"tag: {role}" for role in step.target_roles)
    window = step.text(MAX_PARALLELISM).strip()
    title = f"{step.name}: {window} target at a time" if window else step.name
    return StepRows(step, tuple(rows), title, (*roles, *_details(step)))


def _where(step: Step, action: Action, kind: StepKind | None) -> tuple[str, ...]:
    if kind is not None and not kind.on_targets:
        return ()
    roles = tuple(f"tag: {role}" for role in step.target_roles)
    return ("on a worker", *roles) if action.runs_on_server else roles


def _details(step: Step) -> tuple[str, ...]:
    condition = _CONDITIONS.get(step.condition)
    return (condition,) if condition else ()


def _package(action: Action) -> str:
    if action.action_type == DEPLOY_RELEASE:
        return ""
    names = [package.package_id for package in action.packages if package.package_id]
    return ", ".join(names) or action.text(PACKAGE_ID)
