"""What makes a process acceptable: names, choices and package references."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from deployments.projects.process.shape import (
    ACTION_CONDITIONS,
    MAX_PARALLELISM,
    PACKAGE_REQUIREMENTS,
    RESERVED_ID,
    RESERVED_TYPES,
    START_TRIGGERS,
    STEP_CONDITIONS,
    Action,
    Process,
    Step,
)

MAX_NAME = 200


def validate_process(process: Process) -> tuple[str, ...]:
    """Return what is wrong, as sentences; empty when nothing is."""
    return tuple(dict.fromkeys(_errors(process)))


def unknown_action_types(process: Process, known: Collection[str]) -> tuple[str, ...]:
    """Return the types of actions that nobody here can run, in order of appearance."""
    types = [action.action_type for _, action in process.actions()]
    return tuple(dict.fromkeys(kind for kind in types if kind not in known))


def _errors(process: Process) -> Iterator[str]:
    for name in _repeated(step.name for step in process.steps):
        yield f"The step name '{name}' is used more than once. Step names must be unique."
    for name in _repeated(action.name for _, action in process.actions()):
        yield f"The action name '{name}' is used more than once. Action names must be unique."
    for step in process.steps:
        yield from _step_errors(step)
        for action in step.actions:
            yield from _action_errors(action)
    yield from _acquisition_errors(process)


def _step_errors(step: Step) -> Iterator[str]:
    if not step.name:
        yield "Every step needs a name."
    if len(step.name) > MAX_NAME:
        yield f"The name of a step may have at most {MAX_NAME} characters."
    if not step.actions:
        yield f"The step '{step.name}' has no action."
    yield from _choice(f"step '{step.name}'", "Condition", step.condition, STEP_CONDITIONS)
    yield from _choice(f"step '{step.name}'", "StartTrigger", step.start_trigger, START_TRIGGERS)
    yield from _choice(
        f"step '{step.name}'", "PackageRequirement", step.package_requirement, PACKAGE_REQUIREMENTS
    )
    window = step.text(MAX_PARALLELISM).strip()
    if (
        window
        and "#{" not in window
        and not (window.isascii() and window.isdigit() and int(window))
    ):
        yield f"The step '{step.name}': the window size must be a whole number above 0."


def _acquisition_errors(process: Process) -> Iterator[str]:
    """Say what is to run before the packages are there and cannot (projects.md 2.7)."""
    needed_by = ""
    for step in process.steps:
        is_before = step.package_requirement == "BeforePackageAcquisition"
        brings = any(action.brings_packages for action in step.actions)
        if is_before and brings:
            yield (
                f"The step '{step.name}' uses a package, so it cannot run before the packages are"
                " acquired."
            )
        elif is_before and needed_by:
            yield (
                f"The step '{step.name}' comes after '{needed_by}', which needs the packages, so it"
                " cannot run before they are acquired."
            )
        if brings or step.package_requirement == "AfterPackageAcquisition":
            needed_by = needed_by or step.name


def _action_errors(action: Action) -> Iterator[str]:
    if not action.name:
        yield "Every action needs a name."
    if len(action.name) > MAX_NAME:
        yield f"The name of an action may have at most {MAX_NAME} characters."
    if action.action_type in RESERVED_TYPES or action.id.startswith(RESERVED_ID):
        yield f"The action '{action.name}' has an id or a type that the server keeps for itself."
    if not action.action_type:
        yield f"The action '{action.name}' has no type."
    yield from _choice(f"action '{action.name}'", "Condition", action.condition, ACTION_CONDITIONS)
    for name in _repeated(package.name for package in action.packages):
        yield f"The action '{action.name}' has more than one package reference named '{name}'."
    both = sorted(set(action.environments) & set(action.excluded_environments))
    if both:
        yield f"The action '{action.name}' includes and excludes {', '.join(both)}."


def _choice(where: str, field: str, value: str, choices: tuple[str, ...]) -> Iterator[str]:
    if value not in choices:
        yield f"The {where}: {field} '{value}' is not one of {', '.join(choices)}."


def _repeated(names: Iterable[str]) -> Iterator[str]:
    shown: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for name in names:
        shown.setdefault(name.casefold(), name)
        counts[name.casefold()] += 1
    for key, count in counts.items():
        if count > 1:
            yield shown[key]
