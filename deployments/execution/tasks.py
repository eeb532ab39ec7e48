"""The engine's Celery tasks: short, repeatable, woken by name."""

from celery import shared_task

from deployments.execution.services.advance import advance
from deployments.execution.services.logs.archive import archive_logs
from deployments.execution.services.mail.trial import RUN as SEND_TEST_MAIL
from deployments.execution.services.mail.trial import send_queued_mail
from deployments.execution.services.retention.asking import queue_due_passes
from deployments.execution.services.retention.passing import RUN, run_retention
from deployments.execution.services.server_actions import run_server_action
from deployments.execution.services.sweep import sweep


@shared_task(name="execution.advance")
def advance_task(task_id: int) -> None:
    """Take a task as far as it goes now."""
    advance(task_id)


@shared_task(name="execution.sweep", expires=10)
def sweep_task() -> None:
    """Look at everything that has been quiet."""
    sweep()


@shared_task(name="execution.archive_logs", expires=3600)
def archive_logs_task() -> None:
    """Move old logs to the storage of packages."""
    archive_logs()


@shared_task(name="execution.run_server_action")
def run_server_action_task(execution_id: int) -> None:
    """Run an action of the server itself."""
    run_server_action(execution_id)


@shared_task(name="execution.queue_retention", expires=600)
def queue_retention_task() -> None:
    """Queue the passes of retention that are due."""
    queue_due_passes()


@shared_task(name=RUN)
def run_retention_task(task_id: int) -> None:
    """Carry out a pass of retention."""
    run_retention(task_id)


@shared_task(name=SEND_TEST_MAIL)
def send_test_mail_task(task_id: int) -> None:
    """Send a mail that somebody asked for to try the settings."""
    send_queued_mail(task_id)
