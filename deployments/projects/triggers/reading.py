"""Reading the documents of triggers; pure."""

from collections.abc import Mapping
from typing import Any, Final

from deployments.base.errors import Invalid

MOST_ENTRIES: Final = 200


def texts_of(document: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts without repetition. Raises Invalid."""
    value = document.get(name) or []
    if not isinstance(value, list) or len(value) > MOST_ENTRIES:
        raise wrong(name, f"{name} must be a list of at most {MOST_ENTRIES}.")
    return list(dict.fromkeys(str(each).strip() for each in value if str(each).strip()))


def wrong(field: str, message: str) -> Invalid:
    """Return the refusal of a field."""
    return Invalid(fields={field: [message]})
