"""How long events stay in the database."""

from datetime import date, datetime, timedelta
from typing import Final

from deployments.base.settings_rows import get_setting

RETENTION_DAYS: Final = "events.retention_days"
DEFAULT_DAYS: Final = 90
MOST_DAYS: Final = 3650
# A file of the archive that is younger cannot be deleted.
LEAST_ARCHIVE_DAYS: Final = 30
VERDICT: Final = "events.verdict"


def retention_days() -> int:
    """Return the number of days after which events are in the archive only."""
    days = get_setting(RETENTION_DAYS, DEFAULT_DAYS)
    return days if isinstance(days, int) and 1 <= days <= MOST_DAYS else DEFAULT_DAYS


def first_kept_day(now: datetime) -> date:
    """Return the first day whose events stay in the database."""
    return (now - timedelta(days=retention_days())).date()
