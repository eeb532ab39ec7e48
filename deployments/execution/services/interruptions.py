"""Answering interruptions: take responsibility, then say what shall happen."""

from datetime import datetime

from django.db import transaction

from deployments.access.models import Team, User
from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Conflict, Invalid, NotPermitted
from deployments.base.events import record
from deployments.base.querysets import SpaceQuerySet
from deployments.base.wake import wake
from deployments.execution.guided import KIND, Answer
from deployments.execution.models import Interruption
from deployments.execution.services.mailbox import ADVANCE, end_executions
from deployments.execution.services.server_actions import store_outputs
from deployments.execution.states import ExecutionState
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState

RESULTS = ("Proceed", "Abort")


def may_act(actor: Actor, interruption: Interruption) -> bool:
    """Tell whether the actor may take responsibility and answer.

    Where teams are responsible, their members and those who may submit any interruption; else
    those who may submit interruptions of the project.
    """
    if allows_on(actor, interruption, Permission.InterruptionSubmit):
        return True
    teams = set(interruption.responsible_team_ids)
    if not teams or actor.user_id is None:
        return False
    if not allows_on(actor, interruption, Permission.InterruptionViewSubmitResponsible):
        return False
    mine = Team.objects.filter(users=actor.user_id)
    return any(team.public_id in teams for team in mine)


def take_responsibility(
    *, actor: Actor, interruption: Interruption, clock: Clock = utc_now
) -> Interruption:
    """Make the actor the one who answers; another one may take it over."""
    _require(actor, interruption)
    with transaction.atomic():
        taken = _pending(interruption).update(responsible_user_id=actor.public_id)
        if not taken:
            raise Conflict("This interruption has been answered already.")
        interruption.responsible_user_id = actor.public_id
        _record(actor, interruption, "took responsibility for", clock)
    return interruption


def submit(
    *,
    actor: Actor,
    interruption: Interruption,
    result: str,
    notes: str = "",
    clock: Clock = utc_now,
) -> Interruption:
    """Answer with one of its choices, once. A paused task goes on when a slot and its tag are free.

    Raises NotPermitted, Invalid for another result or when somebody else has taken the
    responsibility, Conflict when it is answered.
    """
    _require(actor, interruption)
    choices = choices_of(interruption)
    if result not in choices:
        text = f"The result must be one of {', '.join(choices)}."
        raise Invalid(fields={"Result": [text]})
    responsible = interruption.responsible_user_id
    if responsible and responsible != actor.public_id:
        raise Invalid("Somebody else has taken the responsibility for this interruption.")
    now = clock()
    with transaction.atomic():
        answered = _pending(interruption).update(
            is_pending=False,
            result=result,
            notes=notes,
            submitted=now,
            submitted_by=actor.public_id,
            responsible_user_id=actor.public_id,
        )
        if not answered:
            raise Conflict("This interruption has been answered already.")
        if interruption.kind != KIND:
            _end_intervention(actor, interruption, result, notes, now)
        elif result == Answer.EXCLUDE:
            # What else failed on the machine needs no answer any more.
            Interruption.objects.in_space(interruption.space).filter(
                task=interruption.task_id,
                kind=KIND,
                is_pending=True,
                execution__target_id=interruption.execution.target_id,
            ).update(is_pending=False, result=result, submitted=now, submitted_by=actor.public_id)
        interruption.refresh_from_db()
        _update_task(interruption)
        _record(actor, interruption, f"answered {result} to", clock)
    return interruption


def choices_of(interruption: Interruption) -> list[str]:
    """Return what may be answered."""
    return list(interruption.choices or RESULTS)


def _end_intervention(
    actor: Actor, interruption: Interruption, result: str, notes: str, now: datetime
) -> None:
    """End the manual step; what follows a failure is decided when the task is advanced."""
    proceeds = result == "Proceed"
    end_executions(
        [interruption.execution_id],
        ExecutionState.SUCCEEDED if proceeds else ExecutionState.FAILED,
        now=now,
        error="" if proceeds else _aborted(actor, notes),
    )
    store_outputs(interruption.execution, _outputs(actor, result, notes))


def _require(actor: Actor, interruption: Interruption) -> None:
    if not may_act(actor, interruption):
        raise NotPermitted(Permission.InterruptionSubmit)


def _pending(interruption: Interruption) -> SpaceQuerySet[Interruption]:
    return Interruption.objects.in_space(interruption.space).filter(
        pk=interruption.pk, is_pending=True
    )


def _aborted(actor: Actor, notes: str) -> str:
    text = f"{actor.display_name} aborted it"
    return f"{text}: {notes}" if notes.strip() else f"{text}."


def _outputs(actor: Actor, result: str, notes: str) -> dict[str, str]:
    number = public_ids.parse("Users", actor.public_id)
    user = User.objects.filter(pk=number).first() if number else None
    prefix = "Manual.ResponsibleUser"
    return {
        "Manual.Notes": notes,
        "Manual.Approved": str(result == "Proceed"),
        f"{prefix}.Id": actor.public_id,
        f"{prefix}.Username": actor.username,
        f"{prefix}.DisplayName": actor.display_name,
        f"{prefix}.EmailAddress": user.email if user else "",
    }


def _update_task(interruption: Interruption) -> None:
    """Clear the flag when it was the last question; then the queue resumes a paused task."""
    task_rows = ServerTask.objects.in_space(interruption.space).filter(pk=interruption.task_id)
    others = Interruption.objects.in_space(interruption.space).filter(
        task=interruption.task_id, is_pending=True
    )
    if not others.exists():
        task_rows.update(has_pending_interruptions=False)
        paused = task_rows.filter(state=TaskState.PAUSED)
        paused.update(waiting_reason="Waiting for a free task slot.")
    wake(ADVANCE, interruption.task_id)
    wake("server_tasks.schedule")


def _record(actor: Actor, interruption: Interruption, words: str, clock: Clock) -> None:
    record(
        actor=actor,
        space=interruption.space,
        category="InterruptionSubmitted",
        message=f"{actor.display_name} {words} {interruption.title}",
        subject=interruption.public_id,
        related=[f"ServerTasks-{interruption.task_id}"],
        clock=clock,
    )
