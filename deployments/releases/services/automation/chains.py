"""Which projects stand behind a release or a deployment that was made by itself.

A person begins a chain anew. What a trigger, a phase or a step has made goes on with the chain of
what set it off: decisions remember their event, children the task that waits for them.
"""

from typing import Final

from deployments.base import public_ids
from deployments.base.models import Event, Space
from deployments.projects.models import AutomationDecision
from deployments.releases.models import Deployment, Release
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.enqueue import PARENT_TASK

# A chain names each project once; this only bounds what damaged rows could cost.
_LONGEST: Final = 1000

Made = Release | Deployment


def made_by(event: Event, space: Space) -> Made | None:
    """Return the release or the deployment that the event is about."""
    kind: type[Release | Deployment]
    for kind in (Release, Deployment):
        number = public_ids.parse(kind.id_prefix, event.subject_id)
        if number is not None:
            return kind.objects.in_space(space).filter(pk=number).first()
    return None


def projects_behind(made: Made) -> list[int]:
    """Return the projects of the chain that led to it, its own first and each once."""
    chain, current = [made.project_id], made
    for _ in range(_LONGEST):
        before = _before(current)
        if before is None:
            break
        current = before
        if current.project_id not in chain:
            chain.append(current.project_id)
    return chain


def _before(made: Made) -> Made | None:
    """Return what set this off, None when a person or a clock did."""
    if isinstance(made, Deployment) and (parent := _parent(made)) is not None:
        return parent
    release = made if isinstance(made, Release) else None
    release_id = made.public_id if release else f"{Release.id_prefix}-{_release_of(made)}"
    rows = AutomationDecision.objects.in_space(made.space).filter(
        project=made.project_id, release_id=release_id
    )
    # Several decisions may be about a release; one of them made this.
    for event_id, results in rows.exclude(event_id="").values_list("event_id", "results"):
        if made.public_id in results:
            number = public_ids.parse(Event.id_prefix, event_id)
            event = Event.objects.filter(pk=number or 0).first()
            return made_by(event, made.space) if event else None
    return None


def _release_of(made: Made) -> int:
    return made.release_id if isinstance(made, Deployment) else made.pk


def _parent(made: Deployment) -> Deployment | None:
    """Return the deployment with the step that waits for this one."""
    number = public_ids.parse(ServerTask.id_prefix, str(made.task.arguments.get(PARENT_TASK) or ""))
    if number is None:
        return None
    rows = Deployment.objects.in_space(made.space).filter(task=number)
    return rows.first()
