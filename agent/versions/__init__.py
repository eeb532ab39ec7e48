"""Version numbers of packages and releases: parse, compare, ranges, masks and file names."""

from agent.versions.file_names import (
    PACKAGE_EXTENSIONS,
    InvalidFileName,
    PackageFileName,
    is_package_id,
    parse_file_name,
)
from agent.versions.masks import VersionMask, is_mask, next_version
from agent.versions.numbering import version_variables
from agent.versions.ranges import Interval, InvalidVersionRange, VersionRange
from agent.versions.tags import InvalidTagPattern, matches_rule, matches_tag, tag_text
from agent.versions.version import InvalidVersion, Version

__all__ = [
    "PACKAGE_EXTENSIONS",
    "Interval",
    "InvalidFileName",
    "InvalidTagPattern",
    "InvalidVersion",
    "InvalidVersionRange",
    "PackageFileName",
    "Version",
    "VersionMask",
    "VersionRange",
    "is_mask",
    "is_package_id",
    "matches_rule",
    "matches_tag",
    "next_version",
    "parse_file_name",
    "tag_text",
    "version_variables",
]
