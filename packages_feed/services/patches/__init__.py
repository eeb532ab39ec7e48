"""Patches between packages: offered to agents, made once, kept for a while."""

from packages_feed.services.patches.keeping import trim_patches
from packages_feed.services.patches.making import MAKE, make_wanted_patch
from packages_feed.services.patches.offering import Coming, Offer, find_patch, offer_patch

__all__ = [
    "MAKE",
    "Coming",
    "Offer",
    "find_patch",
    "make_wanted_patch",
    "offer_patch",
    "trim_patches",
]
