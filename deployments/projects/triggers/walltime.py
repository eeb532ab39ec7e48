"""Wall time and zones: when a clock on the wall shows what a schedule says.

Twice a year that is not clear, and it is settled here for everything that is scheduled: a time that
the clock leaps over counts at the first moment after the leap, a time that it shows twice counts
the first time only.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from tzlocal.windows_tz import win_tz

_LONGEST_LEAP: Final = 26 * 60


class UnknownZone(ValueError):
    """A text that names no time zone."""


def zone_of(name: str) -> tzinfo:
    """Return the zone by its IANA name or by the one that Windows has. Raises UnknownZone."""
    text = name.strip()
    text = win_tz.get(text, text)
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise UnknownZone(f"'{name}' is no time zone.") from error


def zone_names() -> list[str]:
    """Return the names to choose from, UTC first."""
    places = {name for name in available_timezones() if "/" in name and name[:4] != "Etc/"}
    return ["UTC", *sorted(places)]


def moment_of(wall: datetime, zone: tzinfo) -> datetime:
    """Return the moment, in UTC, at which a clock in the zone first shows the time or has leapt.

    `wall` is naive.
    """
    moment = wall.replace(tzinfo=zone, fold=0)
    if _is_shown(moment, zone):
        return moment.astimezone(UTC)
    minute = wall.replace(second=0, microsecond=0)
    for step in range(1, _LONGEST_LEAP):
        after = (minute + timedelta(minutes=step)).replace(tzinfo=zone, fold=0)
        if _is_shown(after, zone):
            return after.astimezone(UTC)
    raise UnknownZone(str(zone))


def wall_of(moment: datetime, zone: tzinfo) -> datetime:
    """Return what a clock in the zone shows at the moment, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _is_shown(moment: datetime, zone: tzinfo) -> bool:
    return moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment.replace(
        tzinfo=None
    )
