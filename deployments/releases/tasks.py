"""The Celery tasks of triggers. What would start something new rests during maintenance."""

from celery import shared_task

from deployments.base.settings_rows import MAINTENANCE, is_set
from deployments.projects.services.decisions import forget_old_decisions
from deployments.releases.services.automation.calls import answer_calls
from deployments.releases.services.automation.feeds import watch_feeds
from deployments.releases.services.automation.repositories import watch_repositories
from deployments.releases.services.automation.rollouts import continue_rollouts
from deployments.releases.services.automation.scheduled import run_due_schedules
from deployments.releases.services.automation.targets import deploy_to_waiting_targets


@shared_task(name="releases.run_due_schedules", expires=10)
def run_due_schedules_task() -> None:
    """Run the scheduled triggers that are due."""
    if not is_set(MAINTENANCE):
        run_due_schedules()


@shared_task(name="releases.continue_rollouts", expires=10)
def continue_rollouts_task() -> None:
    """Make deployments that phases and schedules have planned."""
    if not is_set(MAINTENANCE):
        continue_rollouts()


@shared_task(name="releases.answer_calls", expires=10)
def answer_calls_task() -> None:
    """Let triggers act that news have set off."""
    if not is_set(MAINTENANCE):
        answer_calls()


@shared_task(name="releases.deploy_to_waiting_targets", expires=10)
def deploy_to_waiting_targets_task() -> None:
    """Deploy to the targets that triggers have marked."""
    if not is_set(MAINTENANCE):
        deploy_to_waiting_targets()


@shared_task(name="releases.watch_feeds", expires=60)
def watch_feeds_task() -> None:
    """Look for new versions in external feeds."""
    if not is_set(MAINTENANCE):
        watch_feeds()


@shared_task(name="releases.watch_repositories", expires=30)
def watch_repositories_task() -> None:
    """Look for new commits and tags in Git repositories."""
    if not is_set(MAINTENANCE):
        watch_repositories()


@shared_task(name="releases.forget_old_decisions", expires=3600)
def forget_old_decisions_task() -> None:
    """Delete decisions of triggers that are too old to matter."""
    forget_old_decisions()
