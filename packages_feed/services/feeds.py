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

BUILT_IN = "BuiltIn"
NAME = "Octopus Server (built-in)"
SLUG = "octopus-server-built-in"
_MOST_NAME = 200


def ensure_built_in_feed(space: Space) -> Feed:
    """Return the built-in feed of the space, made when it is missing."""
    feed, _ = Feed.objects.in_space(space).get_or_create(
        space=space, feed_type=BUILT_IN, defaults={"name": NAME, "slug": SLUG}
    )
    return feed


def rename_built_in_feed(*, actor: Actor, feed: Feed, name: str, clock: Clock = utc_now) -> Feed:
    """Give the built-in feed another name; raises NotPermitted, Invalid."""
    require(actor, feed.space, Permission.FeedEdit)
    name = name.strip()
    if not name or len(name) > _MOST_NAME:
        raise Invalid(fields={"Name": [f"Name is required, of at most {_MOST_NAME} characters."]})
    taken = Feed.objects.in_space(feed.space).filter(name=name).exclude(pk=feed.pk)
    if taken.exists():
        raise Invalid(fields={"Name": ["Another feed has this name."]})
    before: dict[str, Any] = {"Name": feed.name}
    with transaction.atomic():
        feed.name = name
        feed.save(update_fields=["name"])
        events.record(
            actor=actor,
            space=feed.space,
            category="Modified",
            message=f"Feed {name} was changed",
            subject=feed.public_id,
            before=before,
            after={"Name": name},
            clock=clock,
        )
    return feed
