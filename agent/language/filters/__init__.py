"""The filters that every template may use, by their lower-case name."""

from agent.language.environment import Filters
from agent.language.filters import (
    dates,
    encoding,
    escaping,
    formatting,
    markdown,
    text,
    uris,
    versions,
)

FILTERS: Filters = {
    **text.FILTERS,
    **escaping.FILTERS,
    **encoding.FILTERS,
    **dates.FILTERS,
    **formatting.FILTERS,
    **markdown.FILTERS,
    **uris.FILTERS,
    **versions.FILTERS,
}

__all__ = ["FILTERS"]
