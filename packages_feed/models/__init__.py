"""The models of the feed."""

from packages_feed.models.build_information import BuildInformation
from packages_feed.models.external import FeedListing, FetchedPackage
from packages_feed.models.feed import Feed, scheme_of
from packages_feed.models.latest import Latest, LatestVersion
from packages_feed.models.package import PackageVersion, StoredBlob
from packages_feed.models.patch import PackagePatch

__all__ = [
    "BuildInformation",
    "Feed",
    "FeedListing",
    "FetchedPackage",
    "Latest",
    "LatestVersion",
    "PackagePatch",
    "PackageVersion",
    "StoredBlob",
    "scheme_of",
]
