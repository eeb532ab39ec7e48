"""The form of a lifecycle: what it shows, and what a sent one means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict

from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from deployments.infrastructure.models import Environment
from deployments.projects.models import Phase
from deployments.projects.retention import (
    RetentionPolicy,
    policy_to_json,
    stored_policy,
)
from deployments.projects.services.lifecycles import PhaseInput

KEEP: Final = (
    ("forever", "Everything"),
    ("items", "A number of releases"),
    ("days", "A number of days"),
    ("default", "The default of the space"),
)
_MOST_PHASES: Final = 50


@dataclass(frozen=True, slots=True)
class RetentionForm:
    """A policy as the form shows it; `keep` empty takes over what comes before."""

    keep: str = ""
    quantity: str = ""

    def document(self) -> dict[str, Any] | None:
        """Return the wire's form, None when it is taken over; raises Invalid."""
        if self.keep == "default":
            return {**policy_to_json(RetentionPolicy()), "Strategy": "Default"}
        if self.keep not in {"items", "days"}:
            return policy_to_json(RetentionPolicy()) if self.keep == "forever" else None
        number = whole_number(self.quantity)
        if not number:
            raise Invalid("How many are kept must be a number of at least 1.")
        return policy_to_json(RetentionPolicy(number, self.keep.capitalize()))


@dataclass
class PhaseForm:
    """One phase as the form shows it; `places` maps an environment's id to manual or automatic."""

    id: str = ""
    name: str = ""
    minimum: str = "0"
    is_optional: bool = False
    is_priority: bool = False
    places: dict[str, str] = field(default_factory=dict)
    releases: RetentionForm = RetentionForm()
    targets: RetentionForm = RetentionForm()


def retention_form(document: Mapping[str, Any] | None, *, inherits: bool) -> RetentionForm:
    """Return a stored policy as the form shows it."""
    if not document and inherits:
        return RetentionForm()
    if document and document.get("Strategy") == "Default":
        return RetentionForm("default")
    policy = stored_policy(document)
    if policy.keeps_everything:
        return RetentionForm("forever")
    return RetentionForm(policy.unit.lower(), str(policy.quantity))


def sent_retention(sent: QueryDict, name: str) -> RetentionForm:
    """Return the policy of a sent form."""
    return RetentionForm(sent.get(f"{name}-keep", ""), sent.get(f"{name}-quantity", "").strip())


def stored_phase(phase: Phase) -> PhaseForm:
    """Return a stored phase; give it with its environments prefetched."""
    return PhaseForm(
        id=phase.guid,
        name=phase.name,
        minimum=str(phase.minimum_environments),
        is_optional=phase.is_optional,
        is_priority=phase.is_priority,
        places={
            f"Environments-{link.environment_id}": "automatic" if link.is_automatic else "manual"
            for link in phase.phase_environments.all()
        },
        releases=retention_form(phase.release_retention, inherits=True),
        targets=retention_form(phase.tentacle_retention, inherits=True),
    )


def sent_phases(sent: QueryDict) -> list[PhaseForm]:
    """Return the phases of a sent form."""
    total = whole_number(sent.get("phases", "0")) or 0
    phases = []
    for number in range(min(total, _MOST_PHASES)):
        start = f"phase-{number}-"
        places = {
            name.removeprefix(f"{start}at-"): value
            for name, value in sent.items()
            if name.startswith(f"{start}at-") and value in {"manual", "automatic"}
        }
        phases.append(
            PhaseForm(
                id=sent.get(f"{start}id", ""),
                name=sent.get(f"{start}name", ""),
                minimum=sent.get(f"{start}minimum", "0"),
                is_optional=sent.get(f"{start}optional") == "on",
                is_priority=sent.get(f"{start}priority") == "on",
                places=places,
                releases=sent_retention(sent, f"{start}releases"),
                targets=sent_retention(sent, f"{start}targets"),
            )
        )
    return phases


def phase_input(phase: PhaseForm, environments: Mapping[str, Environment]) -> PhaseInput:
    """Return the phase that the form means; raises Invalid."""
    chosen = {name: how for name, how in phase.places.items() if name in environments}
    minimum = whole_number(phase.minimum)
    if minimum is None:
        raise Invalid(
            f"How many environments the phase '{phase.name}' needs must be a number, 0 for all."
        )
    return PhaseInput(
        name=phase.name,
        manual=[environments[name] for name, how in chosen.items() if how == "manual"],
        automatic=[environments[name] for name, how in chosen.items() if how == "automatic"],
        minimum=minimum,
        is_optional=phase.is_optional,
        is_priority=phase.is_priority,
        id=phase.id,
        release_retention=phase.releases.document(),
        tentacle_retention=phase.targets.document(),
    )


def rearranged(phases: list[PhaseForm], what: str) -> list[PhaseForm]:
    """Return the phases after a button of the form that does not save yet."""
    name, _, text = what.partition("-")
    if name == "add":
        return [*phases, PhaseForm()]
    at = whole_number(text)
    if at is None or at >= len(phases):
        return phases
    if name == "remove":
        return [*phases[:at], *phases[at + 1 :]]
    to = at - 1 if name == "up" else at + 1
    if 0 <= to < len(phases):
        phases[at], phases[to] = phases[to], phases[at]
    return phases
