"""The Celery tasks of access."""

from celery import shared_task

from deployments.access.services.federation.external_groups import forget_old_groups
from deployments.access.services.federation.ldap_sign_in import check_directories
from deployments.access.services.tidying import tidy


@shared_task(name="access.tidy", expires=3600)
def tidy_task() -> None:
    """Forget what has ended, and tell of API keys that end soon."""
    tidy()


@shared_task(name="access.forget_old_groups", expires=3600)
def forget_old_groups_task() -> None:
    """End memberships of people who have not signed in for long. Repeating it is harmless."""
    forget_old_groups()


@shared_task(name="access.check_directories", expires=3600)
def check_directories_task() -> None:
    """Look the people of LDAP directories up again. Repeating it is harmless."""
    check_directories()
