"""When a delivery that failed is tried again. Pure."""

from datetime import timedelta
from typing import Final

# About a day in all: a weekend's failure is for "send again", a restart for the first few.
_SECONDS: Final = (10, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in _SECONDS)


def wait_after(attempts: int) -> timedelta | None:
    """Return how long to wait after so many attempts; None when it is to be given up."""
    return WAITS[attempts - 1] if attempts <= len(WAITS) else None
