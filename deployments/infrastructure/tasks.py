"""What machine policies ask for by themselves."""

from celery import shared_task

from deployments.infrastructure.services.health import queue_due_checks
from deployments.infrastructure.services.policy_upgrades import upgrade_connected


@shared_task(name="infrastructure.check_health", expires=60)
def check_health() -> None:
    """Queue the health checks that are due, and upgrade agents that policies keep current."""
    queue_due_checks()
    upgrade_connected()
