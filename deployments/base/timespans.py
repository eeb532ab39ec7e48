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


def format_timespan(span: timedelta) -> str:
    """Return the span as the wire has it, in whole seconds."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days}.' if days else ''}{hours:02}:{minutes:02}:{seconds:02}"
