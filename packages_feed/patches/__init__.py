"""Patches between versions of a package, for agents that have an older one; no rows, no storage."""

from packages_feed.patches.archive import Archive
from packages_feed.patches.entries import Unpatchable
from packages_feed.patches.making import FILES, FORMS, GZIP, ZSTD, make_patch

__all__ = ["FILES", "FORMS", "GZIP", "ZSTD", "Archive", "Unpatchable", "make_patch"]
