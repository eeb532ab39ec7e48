"""The queue's Celery task."""

from celery import shared_task
from django.conf import settings

from deployments.server_tasks.services import schedule


@shared_task(name="server_tasks.schedule")
def schedule_task() -> None:
    """Start what may start. Repeating it is harmless."""
    schedule(node_name=settings.OCTOPUS.node_name)
