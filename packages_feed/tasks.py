"""Background work of the feed."""

from celery import shared_task

from packages_feed.services import sweep_unused_blobs, sweep_uploads
from packages_feed.services.fetching import FETCH, fetch_package, forget_unused
from packages_feed.services.patches import MAKE, make_wanted_patch, trim_patches


@shared_task(name="packages_feed.sweep", expires=600)
def sweep() -> None:
    """Delete bytes that interrupted uploads and deletions left behind, or nobody wants any more."""
    forget_unused()
    trim_patches()
    sweep_unused_blobs()
    sweep_uploads()


@shared_task(name=FETCH)
def fetch_task(number: int) -> None:
    """Fetch a package of an external feed."""
    fetch_package(number)


@shared_task(name=MAKE)
def make_patch_task(number: int) -> None:
    """Make a patch between two packages for the agents that ask for it."""
    make_wanted_patch(number)
