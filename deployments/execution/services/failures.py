"""Asks people what to do about failures; joins the transaction of the tick."""

from collections.abc import Sequence
from datetime import datetime

from deployments.execution.decision import Ask
from deployments.execution.guided import KIND, choices
from deployments.execution.models import Interruption
from deployments.execution.services.situation import Situation
from deployments.server_tasks.models import ServerTask


def ask_about_failures(situation: Situation, asks: Sequence[Ask], *, now: datetime) -> None:
    """Write a question for each failed attempt."""
    if not asks:
        return
    task = situation.task
    rows = {(row.action_id, row.target_id, row.attempt): row for row in situation.rows}
    questions = []
    for ask in asks:
        row = rows[ask.action_id, ask.target_id, ask.attempt]
        _, action = situation.actions[ask.action_id]
        questions.append(
            Interruption(
                space_id=task.space_id,
                task=task,
                execution_id=row.pk,
                kind=KIND,
                title=f"{row.action_name} failed on {row.target_name}"[:500],
                instructions=row.error,
                choices=list(choices(is_required=action.required, target_id=row.target_id)),
                created=now,
            )
        )
    Interruption.objects.bulk_create(questions)
    rows_of_task = ServerTask.objects.in_space(task.space).filter(pk=task.pk)
    rows_of_task.update(has_pending_interruptions=True)
