"""Adding, changing and deleting external feeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.base.secrets import secret_box
from packages_feed.models import Feed, FeedListing, StoredBlob
from packages_feed.services.blobs import drop_after_commit
from packages_feed.sources import KINDS, FeedPlace, require_place
from packages_feed.usage import projects_naming

_LONGEST: Final = 200
_LONGEST_PASSWORD: Final = 4000
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True, repr=False)
class FeedValues:
    """What people say about an external feed; a `password` of None keeps the stored one."""

    name: str
    uri: str = ""
    username: str = ""
    password: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


def create_feed(
    *, actor: Actor, space: Space, feed_type: str, values: FeedValues, clock: Clock = utc_now
) -> Feed:
    """Add an external feed; nobody is asked. Raises NotPermitted, Invalid."""
    require(actor, space, Permission.FeedEdit)
    if feed_type not in KINDS:
        raise Invalid(fields={"FeedType": [f"Feeds are of the types {', '.join(KINDS)}."]})
    feed = Feed(space=space, feed_type=feed_type)
    with transaction.atomic():
        _take(feed, values)
        feed.slug = free_slug(feed)
        feed.save()
        _seal(feed, values.password)
        _record(actor, feed, "Created", "was added", before={}, clock=clock)
    return feed


def change_feed(*, actor: Actor, feed: Feed, values: FeedValues, clock: Clock = utc_now) -> Feed:
    """Change an external feed; raises NotPermitted, Invalid.

    Another address or user name needs the password anew: whoever may edit a feed may not learn
    its password by sending it elsewhere. What was fetched from another place is forgotten; tasks
    that are under way still get its bytes, which are swept a day later.
    """
    require(actor, feed.space, Permission.FeedEdit)
    before = feed_snapshot(feed)
    moves = (values.uri.strip(), values.username.strip()) != (feed.uri, feed.username)
    if feed.sealed_password and moves and values.password is None:
        text = "Enter the password again, because the address or the user name is another one."
        raise Invalid(fields={"Password": [text]})
    place = (feed.uri, feed.settings)
    with transaction.atomic():
        _take(feed, values)
        feed.save()
        if (feed.uri, feed.settings) != place:
            _forget_fetched(feed, clock)
        if values.password is not None:
            _seal(feed, values.password)
        FeedListing.objects.filter(feed=feed).delete()
        _record(actor, feed, "Modified", "was changed", before=before, clock=clock)
    return feed


def delete_feed(*, actor: Actor, feed: Feed, clock: Clock = utc_now) -> None:
    """Delete an external feed that no process uses; raises NotPermitted, Invalid."""
    require(actor, feed.space, Permission.FeedEdit)
    if feed.is_built_in:
        raise Invalid("The built-in feed cannot be deleted.")
    names, hidden = projects_naming(actor, feed)
    if names or hidden:
        named, more = ", ".join(names[:_MOST_NAMED]), len(names[_MOST_NAMED:]) + hidden
        if more:
            named = f"{named} and {more} more" if named else "projects that you may not see"
        raise Invalid(f"The feed '{feed.name}' is used by {named}.")
    before = feed_snapshot(feed)
    with transaction.atomic():
        blobs = list(feed.fetched.exclude(blob=None).values_list("blob_id", flat=True))
        subject, name, space = feed.public_id, feed.name, feed.space
        feed.delete()
        events.record(
            actor=actor,
            space=space,
            category="Deleted",
            message=f"Feed {name} was deleted",
            subject=subject,
            before=before,
            clock=clock,
        )
        for sha256 in dict.fromkeys(blobs):
            drop_after_commit(sha256)


def _forget_fetched(feed: Feed, clock: Clock) -> None:
    """Let packages be fetched anew; the sweep takes their bytes as if they had come just now."""
    blobs = feed.fetched.exclude(blob=None).values("blob")
    StoredBlob.objects.filter(pk__in=blobs).update(stored=clock())
    feed.fetched.all().delete()


def feed_snapshot(feed: Feed) -> dict[str, Any]:
    """Return what the audit shows of a feed."""
    return {
        "Name": feed.name,
        "FeedType": feed.feed_type,
        "FeedUri": feed.uri,
        "Username": feed.username,
        "HasPassword": bool(feed.sealed_password),
        **feed.settings,
    }


def _take(feed: Feed, values: FeedValues) -> None:
    """Put checked values into the row; raises Invalid."""
    kind = KINDS[feed.feed_type]
    feed.name = required_name(values.name)
    require_free_name(feed, "A feed")
    feed.uri = values.uri.strip() or kind.uri_default
    feed.username = values.username.strip()
    if len(feed.username) > _LONGEST:
        raise Invalid(fields={"Username": [f"Username has at most {_LONGEST} characters."]})
    feed.settings = {
        name: str(values.settings.get(name) or "").strip()[:_LONGEST] for name in kind.settings
    }
    folders = settings.OCTOPUS.feed_folders
    require_place(FeedPlace(feed.feed_type, feed.uri, folders=folders))


def _seal(feed: Feed, password: str | None) -> None:
    if password and len(password) > _LONGEST_PASSWORD:
        text = f"Password has at most {_LONGEST_PASSWORD} characters."
        raise Invalid(fields={"Password": [text]})
    sealed = secret_box().seal(password, place=feed.secret_place) if password else None
    feed.sealed_password = sealed
    feed.save(update_fields=["sealed_password"])


def _record(
    actor: Actor, feed: Feed, category: str, what: str, *, before: dict[str, Any], clock: Clock
) -> None:
    events.record(
        actor=actor,
        space=feed.space,
        category=category,
        message=f"Feed {feed.name} {what}",
        subject=feed.public_id,
        before=before,
        after=feed_snapshot(feed),
        clock=clock,
    )
