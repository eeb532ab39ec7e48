"""Writes of the feed: storing, deleting and listing versions; feeds."""

from packages_feed.services.blobs import sweep_unused_blobs, sweep_uploads
from packages_feed.services.build_information import (
    delete_build_information,
    push_build_information,
)
from packages_feed.services.feeds import change_built_in_feed, ensure_built_in_feed
from packages_feed.services.latest import find_all_latest
from packages_feed.services.manage import delete_version, delete_versions, set_listed
from packages_feed.services.store import Outcome, OverwriteMode, Stored, store_package

__all__ = [
    "Outcome",
    "OverwriteMode",
    "Stored",
    "change_built_in_feed",
    "delete_build_information",
    "delete_version",
    "delete_versions",
    "ensure_built_in_feed",
    "find_all_latest",
    "push_build_information",
    "set_listed",
    "store_package",
    "sweep_unused_blobs",
    "sweep_uploads",
]
