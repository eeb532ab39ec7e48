"""Reading packages and feeds; nothing here checks permissions."""

from packages_feed.queries.build_information import build_information_for, build_information_of
from packages_feed.queries.feeds import built_in_feed, find_feed, known_as
from packages_feed.queries.hits import Wanted, page_of_hits
from packages_feed.queries.latest import (
    are_latest,
    latest_keys,
    latest_versions,
    latest_with_words,
)
from packages_feed.queries.search import newest_of_each, ranked, with_words, words_of
from packages_feed.queries.versions import (
    find_by_wire_id,
    find_exact,
    find_version,
    find_versions,
    newest_versions,
    package_ids,
    previous_version,
    versions_in_order,
    versions_of,
)

__all__ = [
    "Wanted",
    "are_latest",
    "build_information_for",
    "build_information_of",
    "built_in_feed",
    "find_by_wire_id",
    "find_exact",
    "find_feed",
    "find_version",
    "find_versions",
    "known_as",
    "latest_keys",
    "latest_versions",
    "latest_with_words",
    "newest_of_each",
    "newest_versions",
    "package_ids",
    "page_of_hits",
    "previous_version",
    "ranked",
    "versions_in_order",
    "versions_of",
    "with_words",
    "words_of",
]
