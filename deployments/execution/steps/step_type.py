"""What a step type is: where it runs, how, and which settings it has."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from deployments.execution.models import ActionExecution
from deployments.execution.plan import PlannedStep
from deployments.execution.variables import Variables


class PropertyKind(StrEnum):
    """How the portal asks for a setting."""

    TEXT = "text"
    LINES = "lines"
    CODE = "code"
    CHECKBOX = "checkbox"
    SELECT = "select"
    PACKAGE = "package"
    TEAMS = "teams"
    PROJECT = "project"
    FEATURE = "feature"
    SECRET = "secret"  # noqa: S105 the name of a kind of field


@dataclass(frozen=True, slots=True)
class Property:
    """One setting of an action. `options` are (value, label); `syntax` is the editor's language.

    `shown_when` (property, value) hides the field unless the other setting has that value. A
    FEATURE is named `Octopus.Features.…` and stands in the action's list of features. Settings
    with a `section` stand under that heading.
    """

    name: str
    label: str
    kind: PropertyKind = PropertyKind.TEXT
    help: str = ""
    default: str = ""
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    syntax: str = ""
    shown_when: tuple[str, str] | None = None
    section: str = ""


class Recipients(Protocol):
    """Looks up the mail addresses of the members of teams (public ids)."""

    def __call__(self, team_ids: Sequence[str]) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class ServerAction:
    """What a step that the server runs itself is given. `log` takes a level and a line.

    `properties` are the plain settings as they were written, before variables were filled in;
    `execution` and `step` are the attempt and its step of the plan. `newcomers` gives the machines
    with the step's tags that do not take part yet, by id with their names; `take_in` lets some of
    them take part in the steps that follow.
    """

    id: str
    variables: Variables
    settings: Mapping[str, object]
    addresses_of: Recipients
    log: Callable[[str, str], None]
    properties: Mapping[str, str] = field(default_factory=dict)
    execution: ActionExecution | None = None
    step: PlannedStep | None = None
    newcomers: Callable[[], Mapping[str, str]] = dict
    take_in: Callable[[Collection[str]], None] = field(default=lambda _ids: None)


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended: an empty `error` is success. `secrets` are sensitive outputs."""

    error: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What a step asks people; the task waits for the answer."""

    title: str
    instructions: str
    team_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepType:
    """A kind of action. Exactly one of `command`, `run`, `ask` and `begin` is set.

    `command` is the kind of command that an agent runs; `run` works in the server and `settings`
    names the server settings that it reads; `ask` waits for people. `repeatable` says whether
    `run` may be run again when the process that ran it died. `prepare` may add variables before
    `check` returns why an action with these variables cannot run, or "". One that `is_internal`
    is put into plans by the engine; nobody can choose it. `about_targets` says that a step of the
    server concerns machines with target tags.

    `begin` queues another server task and returns its public id, or ends at once with a result;
    what it writes is stored with the action's start or not at all. `look` is asked with that id
    when the task may have ended; None waits on.
    """

    action_type: str
    name: str
    summary: str
    category: str
    properties: tuple[Property, ...] = ()
    command: str = ""
    run: Callable[[ServerAction], Result] | None = None
    ask: Callable[[Variables], Question] | None = None
    begin: Callable[[ServerAction], "str | Result"] | None = None
    look: Callable[[ServerAction, str], "Result | None"] | None = None
    settings: tuple[str, ...] = ()
    repeatable: bool = False
    may_run_on_worker: bool = False
    is_internal: bool = False
    about_targets: bool = False
    prepare: Callable[[Variables], None] = field(default=lambda _variables: None)
    check: Callable[[Variables], str] = field(default=lambda _variables: "")

    @property
    def works_in_server(self) -> bool:
        """Whether a process of the server has to begin it."""
        return self.run is not None or self.begin is not None

    @property
    def on_targets(self) -> bool:
        """Whether it is about machines with target tags."""
        return not self.on_server or self.about_targets

    @property
    def on_server(self) -> bool:
        """Whether the server itself carries it out."""
        return not self.command
