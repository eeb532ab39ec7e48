"""Looking after the storage as a whole: checking it, moving it, reading its files anew."""

from packages_feed.services.upkeep.both_sides import Pair, rows_and_files
from packages_feed.services.upkeep.moving import Copied, Transfer, copy_missing
from packages_feed.services.upkeep.reindexing import (
    Reread,
    adopt_packages,
    count_versions,
    reread_versions,
)
from packages_feed.services.upkeep.verifying import Checked, Problem, check_files

__all__ = [
    "Checked",
    "Copied",
    "Pair",
    "Problem",
    "Reread",
    "Transfer",
    "adopt_packages",
    "check_files",
    "copy_missing",
    "count_versions",
    "reread_versions",
    "rows_and_files",
]
