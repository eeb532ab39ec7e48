"""The step types that the process editor offers; the app that runs them registers them here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from deployments.projects.process import FEATURE_PREFIX, has_feature


class Setting(Protocol):
    """One setting of an action: a property on the wire and how a form asks for it."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def help(self) -> str: ...
    @property
    def default(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def options(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def syntax(self) -> str: ...
    @property
    def shown_when(self) -> tuple[str, str] | None: ...
    @property
    def section(self) -> str: ...


class StepKind(Protocol):
    """A kind of action as the editor sees it."""

    @property
    def action_type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def properties(self) -> Sequence[Setting]: ...
    @property
    def may_run_on_worker(self) -> bool: ...
    @property
    def on_server(self) -> bool: ...
    @property
    def on_targets(self) -> bool: ...


Source = Callable[[], Sequence[StepKind]]
_source: Source | None = None


def register_step_catalogue(source: Source) -> None:
    """Register where the step types come from."""
    global _source  # noqa: PLW0603 set once while the apps load
    _source = source


def step_kinds() -> list[StepKind]:
    """Return every step type that this server can run."""
    return list(_source()) if _source is not None else []


def find_step_kind(action_type: str) -> StepKind | None:
    """Return the step type of an action type such as `Octopus.Script`."""
    return next((kind for kind in step_kinds() if kind.action_type == action_type), None)


def is_shown(setting: Setting, values: Mapping[str, Any], settings: Sequence[Setting]) -> bool:
    """Tell whether the setting counts, given the values of the others."""
    if setting.shown_when is None:
        return True
    name, wanted = setting.shown_when
    if name.startswith(FEATURE_PREFIX):
        return has_feature(values, name) is (wanted.lower() == "true")
    default = next((each.default for each in settings if each.name == name), "")
    return str(values.get(name) or default).lower() == wanted.lower()


def missing_settings(kind: StepKind, values: Mapping[str, Any]) -> Iterator[Setting]:
    """Yield the settings that must have a value and have none."""
    for setting in kind.properties:
        value = values.get(setting.name)
        is_empty = not (value.strip() if isinstance(value, str) else value)
        if setting.required and is_empty and is_shown(setting, values, kind.properties):
            yield setting
