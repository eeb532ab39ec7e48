"""Where packages of external feeds come from: one class for each kind of feed."""

from packages_feed.sources.base import (
    FeedPlace,
    Found,
    Hit,
    NotThere,
    Opened,
    Source,
    SourceFailed,
)
from packages_feed.sources.kinds import KINDS, Kind, require_place, source_at

__all__ = [
    "KINDS",
    "FeedPlace",
    "Found",
    "Hit",
    "Kind",
    "NotThere",
    "Opened",
    "Source",
    "SourceFailed",
    "require_place",
    "source_at",
]
