"""The schedule of health checks."""

from celery import shared_task

from deployments.infrastructure.services.health import queue_due_checks


@shared_task(name="infrastructure.check_health", expires=60)
def check_health() -> None:
    """Queue the health checks that are due."""
    queue_due_checks()
