"""Whole numbers in what people and clients send."""

# So many digits fit into every column of the database.
_MOST_DIGITS = 18


def whole_number(text: str | None, digits: int = _MOST_DIGITS) -> int | None:
    """Return the number that at most so many ASCII digits write; None for all else."""
    if text and text.isascii() and text.isdigit() and len(text) <= digits:
        return int(text)
    return None
