"""Triggers, and what follows the stream of events, without waiting for workers."""

from typing import Any

from django.db.models import Max

from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.following.consumers import find_consumer
from deployments.base.models import Event
from deployments.projects.models import AutomationDecision, Project, ProjectTrigger
from deployments.projects.services.projects import ProjectInput, update_project
from deployments.projects.services.triggers import TriggerInput, create_trigger
from deployments.releases.models import Deployment
from deployments.releases.services.automation.rollouts import continue_rollouts
from tests.factories.domain import finish
from tests.factories.people import SYSTEM


class Stream:
    """Gives consumers what happened since it was made or last asked.

    The real cursor waits for running transactions, and a test is one on PostgreSQL.
    """

    def __init__(self) -> None:
        self.place = Event.objects.aggregate(newest=Max("id"))["newest"] or 0

    def deliver(self, name: str, **more: Any) -> None:
        """Let the consumer handle what is new, what it adds meanwhile included."""
        consumer = find_consumer(name)
        assert consumer is not None
        while event := Event.objects.filter(id__gt=self.place).order_by("id").first():
            self.place = event.pk
            if event.category in consumer.categories:
                consumer.handle(event, **more)


def follow_phases(stream: Stream) -> None:
    """Let the lifecycles plan what is new, and make what they planned."""
    stream.deliver("lifecycles")
    while continue_rollouts():
        pass


def succeed(deployment: Deployment) -> None:
    """Let it succeed as the engine does: the state and the event."""
    finish(deployment)
    record(
        actor=SYSTEM,
        space=deployment.space,
        category="DeploymentSucceeded",
        message="succeeded",
        subject=deployment.public_id,
    )


def make_trigger(
    project: Project,
    trigger_filter: dict[str, Any],
    action: dict[str, Any],
    *,
    name: str = "Trigger",
    actor: Any = SYSTEM,
    **fields: Any,
) -> ProjectTrigger:
    """Create a trigger."""
    clock = fields.pop("clock", None)
    trigger = TriggerInput(name=name, filter=trigger_filter, action=action, **fields)
    more = {"clock": clock} if clock else {}
    return create_trigger(actor=actor, project=project, trigger=trigger, **more)


def decisions(project: Project) -> list[tuple[str, str]]:
    """Return outcome and reason of what was decided about the project, oldest first."""
    rows = AutomationDecision.objects.in_space(project.space).filter(project=project)
    return list(rows.order_by("pk").values_list("outcome", "reason"))


def set_disabled(project: Project, *, is_disabled: bool, clock: Clock = utc_now) -> None:
    """Disable or enable the project as its settings do."""
    fields = ProjectInput(project.name, project.group, project.lifecycle, is_disabled=is_disabled)
    update_project(actor=SYSTEM, row=project, project=fields, clock=clock)
