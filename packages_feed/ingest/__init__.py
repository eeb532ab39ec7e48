"""From the bytes of an upload to a checked description of a package."""

from packages_feed.ingest.description import PackageDescription
from packages_feed.ingest.inspect import describe_file, describe_package
from packages_feed.ingest.limits import Limits, TooLarge, current_limits
from packages_feed.ingest.spool import UPLOAD, Spool, Spooled, hash_file, spool_stream

__all__ = [
    "UPLOAD",
    "Limits",
    "PackageDescription",
    "Spool",
    "Spooled",
    "TooLarge",
    "current_limits",
    "describe_file",
    "describe_package",
    "hash_file",
    "spool_stream",
]
