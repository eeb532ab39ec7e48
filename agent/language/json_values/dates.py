"""Texts in JSON that count as dates, as its reader (Newtonsoft's, by default) takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from agent.language.culture import Culture
from agent.language.filters.date_formats import Kind, Moment, format_moment

_ISO: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.([0-9]{1,7}))?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_SINCE_1970: Final = re.compile(r"/Date\((-?[0-9]{1,15})([+-][0-9]{4})?\)/")
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


def _of_iso(seconds: str, fraction: str | None, zone: str | None) -> JsonDate:
    if zone is None:
        return JsonDate(datetime.fromisoformat(seconds), fraction or "", "")
    if zone in "Zz":
        return JsonDate(datetime.fromisoformat(seconds), fraction or "", "Z")
    return _local(datetime.fromisoformat(seconds + zone), fraction or "")


def _of_milliseconds(count: int, *, is_local: bool) -> JsonDate:
    moment = _EPOCH + timedelta(milliseconds=count)
    fraction = f"{count % 1000:03d}"
    return _local(moment, fraction) if is_local else JsonDate(moment, fraction, "Z")


def _local(moment: datetime, fraction: str) -> JsonDate:
    local = moment.astimezone()
    offset = local.strftime("%z")
    return JsonDate(local, fraction, f"{offset[:3]}:{offset[3:5]}")
