"""The Celery tasks of access."""

from celery import shared_task

from deployments.access.services.tidying import tidy


@shared_task(name="access.tidy", expires=3600)
def tidy_task() -> None:
    """Forget what has ended, and tell of API keys that end soon."""
    tidy()
