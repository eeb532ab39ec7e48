"""What the feed gives to every new space."""

from deployments.base.actor import Actor
from deployments.base.models import Space
from packages_feed.services.feeds import ensure_built_in_feed


def seed_built_in_feed(space: Space, actor: Actor) -> None:
    """Give the space its built-in feed."""
    ensure_built_in_feed(space)
