"""Finding feeds."""

from deployments.base import public_ids
from deployments.base.models import Space
from packages_feed.models import Feed

BUILT_IN_ID = "feeds-builtin"


def built_in_feed(space: Space) -> Feed:
    """Return the built-in feed of the space; every space has one."""
    return Feed.objects.in_space(space).select_related("space").get(feed_type="BuiltIn")


def known_as(feed: Feed) -> frozenset[str]:
    """Return the texts, in lower case, by which `find_feed` finds the feed."""
    texts = {f"{Feed.id_prefix}-{feed.pk}".lower(), feed.slug, feed.name.lower()}
    return frozenset(texts | ({"", BUILT_IN_ID} if feed.is_built_in else set()))


def find_feed(space: Space, text: str) -> Feed | None:
    """Return the feed by public id, slug or, ignoring case, name.

    `feeds-builtin` and an empty text are the built-in feed of whichever space.
    """
    feeds = Feed.objects.in_space(space).select_related("space")
    if not text or text.lower() == BUILT_IN_ID:
        return feeds.filter(feed_type="BuiltIn").first()
    number = public_ids.parse(Feed.id_prefix, text)
    if number is not None:
        return feeds.filter(pk=number).first()
    return feeds.filter(slug=text.lower()).first() or feeds.filter(name__iexact=text).first()
