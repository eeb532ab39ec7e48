"""What the behaviours of one command share."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.runtime.runner.command import Command
from agent.runtime.runner.control import Control
from agent.runtime.runner.messages import Messages
from agent.runtime.runner.output import Output
from agent.runtime.runner.script import Scripts
from agent.runtime.variables import Variables


@dataclass(slots=True)
class Context:
    """`directory` is where scripts run: the work, installation or custom directory."""

    command: Command
    variables: Variables
    output: Output
    control: Control
    messages: Messages
    scripts: Scripts
    directory: Path = field(init=False)
    installed: Path | None = None
    custom: Path | None = None
    done: bool = False

    def __post_init__(self) -> None:
        self.directory = self.command.work

    def has_feature(self, name: str) -> bool:
        """Tell whether `Octopus.Features.<name>` is switched on."""
        listed = self.variables.get("Octopus.Action.EnabledFeatures").split(",")
        return f"octopus.features.{name}".lower() in (each.strip().lower() for each in listed)


class Behaviour(Protocol):
    """One part of a command's work; `name` is shown to the user, empty for the whole of it."""

    name: str

    def enabled(self, context: Context) -> bool: ...

    def run(self, context: Context) -> None: ...


def run_in_order(context: Context, behaviours: list[Behaviour]) -> None:
    """Run what is enabled, one after the other, until one fails or says that all is done."""
    for behaviour in behaviours:
        context.control.check()
        if context.done or context.variables.flag("Octopus.Action.SkipRemainingConventions"):
            return
        if behaviour.enabled(context):
            run_phase(context, behaviour)


def run_phase(context: Context, behaviour: Behaviour) -> None:
    """Run one behaviour between records that say so, unless it is all that the command does."""
    if not behaviour.name:
        behaviour.run(context)
        return
    context.output.phase(behaviour.name, "started")
    try:
        behaviour.run(context)
    except Exception:
        context.output.phase(behaviour.name, "failed")
        raise
    context.output.phase(behaviour.name, "succeeded")
