"""Texts in JSON that count as dates, as its reader (Newtonsoft's, by default) takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from agent.language.culture import Culture
from agent.language.filters.date_formats import Kind, Moment, format_moment

_ISO: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.([0-9]{1,7}))?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_SINCE_1970: Final = re.compile(r"/Date\((-?[0-9]{1,15})([+-][0-9]{2}(?:[0-9]{2})?)?\)/")
_MIDNIGHT: Final = "24:00:00"
_LAST_FRACTION: Final = "9999999"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class JsonDate:
    """A date as it is shown: local where the text named an offset; `zone` is its suffix."""

    value: datetime
    fraction: str
    zone: str

    def shown(self, culture: Culture) -> str:
        """The date as the culture writes it."""
        moment = Moment(self.value, None, Kind.UNSPECIFIED)
        return format_moment(moment, "G", culture) or self.iso

    @property
    def iso(self) -> str:
        """The date as JSON writes it."""
        seconds = self.value.replace(microsecond=0, tzinfo=None).isoformat()
        fraction = self.fraction.rstrip("0")
        return seconds + (f".{fraction}" if fraction else "") + self.zone


def read_date(text: str) -> JsonDate | None:
    """Return the date that the text is; None for any other text."""
    if text[10:11] != "T" and not text.startswith("/"):
        return None
    try:
        if (found := _ISO.fullmatch(text)) is not None:
            return _of_iso(*found.groups())
        if (found := _SINCE_1970.fullmatch(text)) is not None:
            return _of_milliseconds(int(found.group(1)), is_local=found.group(2) is not None)
    except (ValueError, OverflowError):
        pass
    return None


def date_of(numbers: list[int]) -> JsonDate:
    """Return the date of `new Date(...)`. Raises ValueError where it is none."""
    if len(numbers) == 1:
        return _of_milliseconds(numbers[0], is_local=False)
    year, month, day, hour, minute, second, milliseconds = numbers + [0] * (7 - len(numbers))
    value = datetime(  # noqa: DTZ001 - its zone is not told
        year, month + 1, day or 1, hour, minute, second, milliseconds * 1000
    )
    return JsonDate(value, f"{milliseconds:03d}", "")


def _of_iso(day: str, time: str, fraction: str | None, zone: str | None) -> JsonDate:
    if time == _MIDNIGHT and not (fraction or "").strip("0"):
        value = datetime.fromisoformat(day) + timedelta(days=1)
    else:
        value = datetime.fromisoformat(f"{day}T{time}")
    if zone is None or zone in "Zz":
        return JsonDate(value, fraction or "", "Z" if zone else "")
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:].lstrip(":") or 0))
    try:
        universal = value + offset if zone[0] == "-" else value - offset
        return _local(universal.replace(tzinfo=UTC), fraction or "")
    except OverflowError:
        # The nearest that there is.
        if zone[0] == "-":
            return JsonDate(datetime.max.replace(tzinfo=UTC), _LAST_FRACTION, "+00:00")
        return JsonDate(datetime.min.replace(tzinfo=UTC), "", "+00:00")


def _of_milliseconds(count: int, *, is_local: bool) -> JsonDate:
    moment = _EPOCH + timedelta(milliseconds=count)
    fraction = f"{count % 1000:03d}"
    return _local(moment, fraction) if is_local else JsonDate(moment, fraction, "Z")


def _local(moment: datetime, fraction: str) -> JsonDate:
    local = moment.astimezone()
    offset = local.strftime("%z")
    return JsonDate(local, fraction, f"{offset[:3]}:{offset[3:5]}")
