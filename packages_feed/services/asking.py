"""Asking external feeds, and keeping their lists of versions for a while."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.conf import settings

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.access.services.request_settings import allows_loopback
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.secrets import secret_box
from packages_feed.models import Feed, FeedListing
from packages_feed.sources import FeedPlace, Found, NotThere, Source, SourceFailed, source_at
from packages_feed.sources.base import newest_first

FRESH: Final = timedelta(minutes=5)
# An answer that was no good is soon asked for again.
_FRESH_PROBLEM: Final = timedelta(seconds=30)
_MOST_VERSIONS: Final = 5000
_LONGEST_ID: Final = 300
_LONGEST_VERSION: Final = 350


def place_of(feed: Feed) -> FeedPlace:
    """Return where the feed is, with its password."""
    sealed = feed.sealed_password
    password = secret_box().open(bytes(sealed), place=feed.secret_place).reveal() if sealed else ""
    return FeedPlace(
        feed_type=feed.feed_type,
        uri=feed.uri,
        username=feed.username,
        password=password,
        settings={name: str(value) for name, value in feed.settings.items()},
        allow_loopback=allows_loopback(),
        folders=settings.OCTOPUS.feed_folders,
    )


def source_of(feed: Feed) -> Source:
    """Return what the feed can be asked; raises SourceFailed."""
    return source_at(place_of(feed))


def check_feed(*, actor: Actor, feed: Feed) -> str:
    """Ask the feed whether it is one, as the server signs in there; return what it says.

    Raises NotPermitted, SourceFailed.
    """
    require(actor, feed.space, Permission.FeedEdit)
    return source_of(feed).check()


def refresh(
    wanted: Iterable[tuple[Feed, str]], *, max_age: timedelta = FRESH, clock: Clock = utc_now
) -> None:
    """Ask external feeds for those lists of versions that are older than `max_age`.

    What fails is kept with the list, and a feed that does not answer is asked once only. To be
    called outside of transactions, because it waits for others.
    """
    silent: set[int] = set()
    for feed, package_id in dict.fromkeys(wanted):
        if not feed.is_built_in and feed.pk not in silent:
            row = _refreshed(feed, package_id, max_age, clock)
            if row is not None and row.problem and row.told != row.asked:
                silent.add(feed.pk)


def _refreshed(feed: Feed, package_id: str, max_age: timedelta, clock: Clock) -> FeedListing | None:
    if not package_id or len(package_id) > _LONGEST_ID:
        return None
    name, now = package_id.lower(), clock()
    row = FeedListing.objects.filter(feed=feed, id_lower=name).first()
    if row is not None and now - row.asked < (_FRESH_PROBLEM if row.problem else max_age):
        return row
    values: dict[str, object]
    try:
        versions = _readable(feed, source_of(feed).versions(package_id))
    except NotThere as error:
        values = {"versions": [], "told": now, "problem": error.message}
    except SourceFailed as error:
        values = {"problem": error.message}
    else:
        values = {"versions": versions, "told": now, "problem": ""}
    row, _ = FeedListing.objects.update_or_create(
        feed=feed, id_lower=name, defaults={**values, "asked": now}
    )
    return row


def _readable(feed: Feed, found: Iterable[Found]) -> list[list[str]]:
    short = (each for each in found if len(each.version) <= _LONGEST_VERSION)
    ordered = newest_first(short, feed.version_scheme)
    return [[each.version, each.published[:40]] for each in ordered[:_MOST_VERSIONS]]
