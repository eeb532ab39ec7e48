"""Time spans in the wire's form: `[days.]hours:minutes:seconds[.fraction]`."""

import re
from datetime import timedelta

_SPAN = re.compile(r"(?:(\d{1,5})\.)?(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,7}))?")


def parse_timespan(text: object) -> timedelta | None:
    """Return the span, or None when the text is none."""
    found = _SPAN.fullmatch(str(text).strip())
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[:4])
    fraction = float(f"0.{found[5]}") if found[5] else 0.0
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds + fraction)
