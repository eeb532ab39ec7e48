"""The queue's Celery task."""

from celery import current_app, shared_task
from django.conf import settings

from deployments.base.wake import wake_now
from deployments.server_tasks.services import schedule


@shared_task(name="server_tasks.schedule")
def schedule_task() -> None:
    """Start what may start. Repeating it is harmless.

    The first of the started tasks is taken further right here, which saves the way through the
    broker. When this process dies in between, the sweep finds the task.
    """
    started: list[tuple[str, int]] = []
    schedule(
        node_name=settings.OCTOPUS.node_name,
        hand_over=lambda name, task_id: started.append((name, task_id)),
    )
    for name, task_id in started[1:]:
        wake_now(name, task_id)
    for name, task_id in started[:1]:
        current_app.tasks[name](task_id)
