"""Background work of the feed."""

from celery import shared_task

from packages_feed.services import sweep_unused_blobs, sweep_uploads
from packages_feed.services.fetching import FETCH, fetch_package, forget_unused


@shared_task(name="packages_feed.sweep", expires=600)
def sweep() -> None:
    """Delete bytes that interrupted uploads and deletions left behind, or nobody wants any more."""
    forget_unused()
    sweep_unused_blobs()
    sweep_uploads()


@shared_task(name=FETCH)
def fetch_task(number: int) -> None:
    """Fetch a package of an external feed."""
    fetch_package(number)
