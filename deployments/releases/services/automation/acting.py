"""What all automation shares: trying something that may be refused, and current deployments."""

from collections.abc import Callable
from typing import TypeVar

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Space
from deployments.base.secrets import Secret
from deployments.releases.models import Deployment
from deployments.releases.variables import form_place, open_answer
from deployments.server_tasks.states import FINISHED, TaskState

T = TypeVar("T")


def attempt(act: Callable[[], T], *, name: str) -> tuple[T | None, str]:
    """Return what came of the act, or why it was refused; `name` is in whose name it is done."""
    try:
        return act(), ""
    except Invalid as error:
        return None, " ".join(error.errors) or error.message
    except NotPermitted as error:
        return None, f"{name} lacks the permission {error.permission}."


def current_deployment(
    space: Space, project: int, environment: int, tenant: int | None = None
) -> Deployment | None:
    """Return the newest successful deployment of the project there, for the tenant or without."""
    rows = Deployment.objects.in_space(space).filter(
        project=project,
        environment=environment,
        tenant_number=tenant,
        task__state=TaskState.SUCCESS,
    )
    return rows.select_related("release__project", "release__channel", "environment").first()


def running_deployment(
    space: Space, project: int, environment: int, tenant: int | None = None
) -> Deployment | None:
    """Return a deployment of the project there that has not ended, for the tenant or without."""
    rows = Deployment.objects.in_space(space).filter(
        project=project, environment=environment, tenant_number=tenant
    )
    return rows.exclude(task__state__in=FINISHED).select_related("release").first()


def answers_of(deployment: Deployment) -> dict[str, str]:
    """Return what was answered to the prompts of a deployment, to answer them again."""
    place = form_place(deployment)
    answers = {}
    for name, stored in deployment.options.get("form_values", {}).items():
        answer = open_answer(stored, place, name)
        answers[name] = answer.reveal() if isinstance(answer, Secret) else answer
    return answers
