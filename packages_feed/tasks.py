"""Background work of the feed."""

from celery import shared_task

from packages_feed.services import sweep_unused_blobs, sweep_uploads


@shared_task(name="packages_feed.sweep", expires=600)
def sweep() -> None:
    """Delete bytes that interrupted uploads and deletions left behind."""
    sweep_unused_blobs()
    sweep_uploads()
