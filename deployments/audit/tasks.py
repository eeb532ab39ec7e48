"""Background work of the audit."""

from celery import shared_task

from deployments.audit.services.archiving import archive_days, empty_archived
from deployments.audit.services.delivering import deliver_due, forget_deliveries
from deployments.audit.services.keeping import check_archive
from deployments.audit.services.matching import match_events
from deployments.base.following.alone import alone


@shared_task(name="audit.archive", expires=3600)
def archive_task() -> None:
    """Write the files of the days that have ended, and remove what need not stay beside them."""
    with alone("audit.archive_task") as is_free:
        if is_free:
            archive_days()
            empty_archived()
            forget_deliveries()


@shared_task(name="audit.verify")
def verify_task() -> None:
    """Read the whole archive and keep what was found."""
    with alone("audit.verify") as is_free:
        if is_free:
            check_archive()


@shared_task(name="audit.notify", expires=10)
def notify_task() -> None:
    """Find what subscribers want among new events, and send what is due."""
    match_events()
    deliver_due()
