"""Background work of the audit."""

from datetime import timedelta
from typing import Final

import structlog
from celery import shared_task

from deployments.audit.archives.store import ArchiveUnavailable
from deployments.audit.services.archiving import archive_days, empty_archived
from deployments.audit.services.delivering import deliver_due, forget_deliveries
from deployments.audit.services.keeping import check_archive
from deployments.audit.services.matching import match_events
from deployments.base.following.alone import alone

log = structlog.get_logger(__name__)

# Who asks again after a worker has died gets an answer soon; reading twice is harmless.
_LONGEST_CHECK: Final = timedelta(minutes=15)


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
    with alone("audit.verify", longest=_LONGEST_CHECK) as is_free:
        if is_free:
            try:
                check_archive()
            except (ArchiveUnavailable, OSError) as error:
                log.warning("the archive cannot be checked now", error=str(error))


@shared_task(name="audit.notify", expires=10)
def notify_task() -> None:
    """Find what subscribers want among new events, and send what is due."""
    match_events()
    deliver_due()
