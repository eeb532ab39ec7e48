"""Adding a version that is new, with all that belongs to it."""

from typing import Any, Final

from django.db import connection

from deployments.base.actor import Actor
from deployments.base.clock import Clock
from deployments.base.events import News, record_news, record_together
from deployments.base.rows import Together, insert_if_new, mark_as_stored, row_values
from packages_feed.ingest import Spooled
from packages_feed.models import PackageVersion
from packages_feed.services.blobs import lock_row, lock_row_of
from packages_feed.services.latest import add_latest, add_latest_of

_CATEGORY: Final = "PackagePublished"


def add_version(*, actor: Actor, version: PackageVersion, upload: Spooled, clock: Clock) -> bool:
    """Lock the row of the bytes; add version, latest versions and event unless it is there.

    In the caller's transaction, which is to make sure of the bytes next. Tells whether it was
    added. PostgreSQL gets one statement: its answers to five take longer than the rows of all.
    """
    if connection.vendor == "postgresql":
        return _add_together(actor, version, upload, clock)
    lock_row(upload, clock=clock)
    if not insert_if_new(version):
        return False
    add_latest(version)
    record_news(actor=actor, news=news_of(version, "was pushed"), clock=clock)
    return True


def _add_together(actor: Actor, version: PackageVersion, upload: Spooled, clock: Clock) -> bool:
    act = Together(source="version")
    lock_row_of(act, upload, clock=clock)
    names, values = row_values(version)
    act.add(
        "version",
        f"INSERT INTO packages_feed_packageversion ({names})"  # noqa: S608 names of ours
        f" SELECT {', '.join(['%s'] * len(values))} FROM blob ON CONFLICT DO NOTHING RETURNING *",
        values,
    )
    add_latest_of(act, version)
    news = news_of(version, "was pushed")
    number = record_together(act, actor=actor, news=news, clock=clock)
    if number is None:
        return False
    version.pk = number
    mark_as_stored(version)
    return True


def news_of(version: PackageVersion, what: str, *, before: dict[str, Any] | None = None) -> News:
    """Return what there is to record of a version."""
    return News(
        space=version.space,
        category=_CATEGORY,
        message=f"Package {version.package_id} {version.version} {what}",
        subject=version.wire_id,
        related=[f"packages-{version.package_id}"],
        before=before,
        after=snapshot(version),
    )


def snapshot(version: PackageVersion) -> dict[str, Any]:
    """Return what events compare of a version."""
    return {"Hash": version.sha1, "FileExtension": version.extension, "Size": version.size}
