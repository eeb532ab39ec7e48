"""The built-in feed of a space."""

from typing import Any

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from packages_feed.models import Feed
from packages_feed.models.feed import UNUSED_DAYS

BUILT_IN = "BuiltIn"
NAME = "Octopus Server (built-in)"
SLUG = "octopus-server-built-in"
_MOST_NAME = 200
MOST_DAYS = 36_500


def ensure_built_in_feed(space: Space) -> Feed:
    """Return the built-in feed of the space, made when it is missing."""
    feed, _ = Feed.objects.in_space(space).get_or_create(
        space=space, feed_type=BUILT_IN, defaults={"name": NAME, "slug": SLUG}
    )
    return feed


def change_built_in_feed(
    *, actor: Actor, feed: Feed, name: str, unused_days: int | None, clock: Clock = utc_now
) -> Feed:
    """Give the feed a name, and say how many days packages that nothing uses stay; None: always.

    Raises NotPermitted, Invalid.
    """
    require(actor, feed.space, Permission.FeedEdit)
    name = name.strip()
    if not name or len(name) > _MOST_NAME:
        raise Invalid(fields={"Name": [f"Name is required, of at most {_MOST_NAME} characters."]})
    if unused_days is not None and not 1 <= unused_days <= MOST_DAYS:
        raise Invalid(fields={UNUSED_DAYS: [f"{UNUSED_DAYS} is from 1 to {MOST_DAYS}, or null."]})
    taken = Feed.objects.in_space(feed.space).filter(name=name).exclude(pk=feed.pk)
    if taken.exists():
        raise Invalid(fields={"Name": ["Another feed has this name."]})
    before = _snapshot(feed)
    with transaction.atomic():
        feed.name, feed.settings = name, {**feed.settings, UNUSED_DAYS: unused_days}
        feed.save(update_fields=["name", "settings"])
        events.record(
            actor=actor,
            space=feed.space,
            category="Modified",
            message=f"Feed {name} was changed",
            subject=feed.public_id,
            before=before,
            after=_snapshot(feed),
            clock=clock,
        )
    return feed


def _snapshot(feed: Feed) -> dict[str, Any]:
    return {"Name": feed.name, UNUSED_DAYS: feed.unused_days}
