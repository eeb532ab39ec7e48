"""Version numbers of packages and releases: parse, compare, ranges, masks and file names."""

from agent.versions.file_names import (
    PACKAGE_EXTENSIONS,
    InvalidFileName,
    PackageFileName,
    doubt_about,
    is_package_id,
    parse_file_name,
)
from agent.versions.floating import FloatingVersion, read_filter
from agent.versions.masks import VersionMask, is_mask, next_version
from agent.versions.numbering import version_variables
from agent.versions.ranges import Interval, InvalidVersionRange, VersionRange, read_range
from agent.versions.schemes import read_version, try_read_any, try_read_version
from agent.versions.tags import InvalidTagPattern, Versions, matches_rule, matches_tag, tag_text
from agent.versions.version import InvalidVersion, Scheme, Version

__all__ = [
    "PACKAGE_EXTENSIONS",
    "FloatingVersion",
    "Interval",
    "InvalidFileName",
    "InvalidTagPattern",
    "InvalidVersion",
    "InvalidVersionRange",
    "PackageFileName",
    "Scheme",
    "Version",
    "VersionMask",
    "VersionRange",
    "Versions",
    "doubt_about",
    "is_mask",
    "is_package_id",
    "matches_rule",
    "matches_tag",
    "next_version",
    "parse_file_name",
    "read_filter",
    "read_range",
    "read_version",
    "tag_text",
    "try_read_any",
    "try_read_version",
    "version_variables",
]
