"""What a template would become in an environment or on a target, as far as that is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.language import Environment as LanguageEnvironment
from agent.language import LanguageError, Limits, evaluate
from agent.language.checking import LONGEST
from agent.language.parser import is_template
from deployments.base.actor import Actor
from deployments.infrastructure.models import Environment, Machine
from deployments.library.models import LibraryVariableSet, VariableSet
from deployments.library.scoping import ScopeContext
from deployments.projects.known_variables import (
    environment_variables,
    machine_variables,
    project_variables,
)
from deployments.projects.models import Project
from deployments.projects.queries import included_sets
from deployments.projects.seen_values import Seen, competing, shown_values

_SHOWN: Final = 2_000
# While somebody waits for the page.
TRYING: Final = LanguageEnvironment(limits=Limits(characters=1_000_000, loops=20_000, seconds=1.0))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a template is tried: an environment, a target, or both.

    `action` is a step's id, `process` the owner's whose process it is in.
    """

    environment: Environment | None = None
    machine: Machine | None = None
    target_roles: Sequence[str] = ()
    action: str = ""
    process: str = ""

    @property
    def words(self) -> str:
        """Say where, such as "Production on web-01"."""
        parts = [self.environment.name if self.environment else ""]
        parts.append(f"on {self.machine.name}" if self.machine else "")
        return " ".join(filter(None, parts))


def tried(actor: Actor, owner: Project | LibraryVariableSet, text: str, place: Place) -> str:
    """Return what the template would become there; empty for what is none or cannot be read.

    Secrets are dots; what the actor may not see, and what is known only while something is
    deployed, stays as it is written.
    """
    if not is_template(text) or len(text) > LONGEST:
        return ""
    context = ScopeContext(
        environment=place.environment.public_id if place.environment else None,
        machine=place.machine.public_id if place.machine else None,
        roles=frozenset(str(role) for role in place.machine.roles)
        if place.machine
        else frozenset(),
        target_roles=frozenset(place.target_roles),
        action=place.action or None,
        process_owner=place.process or (owner.public_id if isinstance(owner, Project) else None),
        project=owner.public_id if isinstance(owner, Project) else None,
    )
    candidates, seen, _ = competing(actor, ((held, "") for held in _sets_of(owner)))
    values = shown_values(candidates, context, Seen(seen, {}))
    try:
        found = evaluate(
            text, {**values, **_of_place(owner, place)}, halt_on_error=False, environment=TRYING
        )
    except LanguageError as error:
        return str(error)
    return found.text if len(found.text) <= _SHOWN else f"{found.text[:_SHOWN]}…"


def _sets_of(owner: Project | LibraryVariableSet) -> list[VariableSet]:
    if isinstance(owner, LibraryVariableSet):
        return [owner.values]
    own = [owner.variable_set] if owner.variable_set else []
    return [*own, *(row.values for row in included_sets(owner))]


def _of_place(owner: Project | LibraryVariableSet, place: Place) -> dict[str, str]:
    values: dict[str, str] = {}
    if isinstance(owner, Project):
        values |= project_variables(owner, owner.space)
    if place.environment:
        values |= environment_variables(place.environment)
    if machine := place.machine:
        values |= machine_variables(machine.public_id, machine.name, map(str, machine.roles))
    return values
