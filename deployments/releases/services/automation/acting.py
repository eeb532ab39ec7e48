"""What all automation shares: trying what may be refused, roll-outs, current deployments."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar

from deployments.base.clock import Clock
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Space
from deployments.base.secrets import Secret
from deployments.base.wake import wake
from deployments.projects.models import Outcome, PendingDeployment, TriggerCall
from deployments.projects.services.decisions import Decision
from deployments.releases.models import Deployment
from deployments.releases.variables import form_place, open_answer
from deployments.server_tasks.states import FINISHED, TaskState

T = TypeVar("T")

ATTEMPTS: Final = 5
_LONGEST_WAIT: Final = timedelta(seconds=60)


def attempt(act: Callable[[], T], *, name: str) -> tuple[T | None, str]:
    """Return what came of the act, or why it was refused; `name` is in whose name it is done."""
    try:
        return act(), ""
    except Invalid as error:
        return None, " ".join(error.errors) or error.message
    except NotPermitted as error:
        return None, f"{name} lacks the permission {error.permission}."


def put_off(row: PendingDeployment | TriggerCall, clock: Clock) -> bool:
    """Let it be tried again later, after a failure; return False after the last attempt."""
    row.failures += 1
    if row.failures >= ATTEMPTS:
        return False
    row.due = clock() + min(timedelta(seconds=2**row.failures), _LONGEST_WAIT)
    row.save(update_fields=["failures", "due"])
    return True


def plan_rollout(rows: Sequence[PendingDeployment]) -> None:
    """Keep what is to be deployed; joins the transaction of what decided upon it.

    Each is made in a transaction of its own (rollouts.py), however many there are.
    """
    if rows:
        PendingDeployment.objects.bulk_create(rows)
        wake("releases.continue_rollouts")


def decision_about(row: PendingDeployment, outcome: Outcome, reason: str) -> Decision:
    """Return a decision about a deployment that was planned."""
    return Decision(
        outcome,
        row.cause,
        reason,
        event_id=row.event_id,
        release_id=f"Releases-{row.release_number}" if row.release_number else "",
        environment_id=row.environment.public_id,
        tenant_id=f"Tenants-{row.tenant_number}" if row.tenant_number else "",
    )


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


def running_deployments(
    space: Space, project: int, environment: int
) -> dict[int | None, Deployment]:
    """Return deployments of the project there that have not ended, by tenant, None without one."""
    rows = Deployment.objects.in_space(space).filter(project=project, environment=environment)
    rows = rows.exclude(task__state__in=FINISHED).select_related("release")
    return {row.tenant_number: row for row in rows}


def answers_of(deployment: Deployment) -> dict[str, str]:
    """Return what was answered to the prompts of a deployment, to answer them again."""
    place = form_place(deployment)
    answers = {}
    for name, stored in deployment.options.get("form_values", {}).items():
        answer = open_answer(stored, place, name)
        answers[name] = answer.reveal() if isinstance(answer, Secret) else answer
    return answers
