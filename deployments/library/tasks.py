"""Background work of the library."""

from celery import shared_task

from deployments.library.services.expiry import tell_of_expiry


@shared_task(name="library.tell_of_expiry", expires=3600)
def tell_of_expiry_task() -> None:
    """Tell of certificates that expire soon. Repeating it is harmless."""
    tell_of_expiry()
