"""What a trigger does in the name of who saved it last: to whom, with what, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from deployments.access.actors import actor_behind
from deployments.base.actor import Actor
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome, ProjectTrigger
from deployments.projects.services.decisions import Decision
from deployments.projects.triggers.actions import answers_of_action
from deployments.releases.models import Run
from deployments.releases.options import DeploymentOptions, Trigger
from deployments.releases.services.automation.acting import attempt
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a trigger acts now: in words, and with the event behind it if there is one.

    `tenant_number` is for whom that event was, `notes` what a release that is created says.
    """

    cause: str
    event_id: str = ""
    tenant_number: int | None = None
    notes: str = ""


def actor_of(trigger: ProjectTrigger) -> Actor:
    """Return who saved the trigger last, in whose name it acts."""
    return actor_behind(trigger.saved_by, trigger.saved_by_name, reason=f"trigger {trigger.name}")


def options_of(trigger: ProjectTrigger, done: str) -> DeploymentOptions:
    """Return the options of what it begins; `done` is the word for it, as in "Deployed"."""
    return DeploymentOptions(
        comments=f"{done} by the trigger {trigger.name}.",
        form_values=answers_of_action(trigger.action),
        trigger=Trigger(trigger.public_id, trigger.name),
    )


def place_words(environment: Environment, tenant: Tenant | None) -> str:
    """Say where, and for whom."""
    return f"{environment.name} for {tenant.name}" if tenant else environment.name


def decision_there(
    outcome: Outcome,
    occasion: Occasion,
    reason: str,
    environment: Environment,
    tenant: Tenant | None,
) -> Decision:
    """Return a decision about an environment, for the tenant or without one."""
    return Decision(
        outcome,
        occasion.cause,
        reason,
        event_id=occasion.event_id,
        environment_id=environment.public_id,
        tenant_id=tenant.public_id if tenant else "",
    )


def begun(
    trigger: ProjectTrigger, decision: Decision, begin: Callable[[], Run], *, refused: str
) -> Decision:
    """Begin, and return the decision with what came of it; `refused` opens what is said if not."""
    run, refusal = attempt(begin, name=trigger.saved_by_name)
    if run is None:
        return replace(decision, outcome=Outcome.REFUSED, reason=f"{refused}: {refusal}")
    return replace(decision, results=(run.public_id,))
