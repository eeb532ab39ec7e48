"""The Format filter: numbers and dates by the format strings of .NET."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

from agent.language.environment import Call, Filter
from agent.language.filters.date_formats import Kind, format_moment
from agent.language.filters.date_parsing import parse_moment
from agent.language.filters.number_formats import format_double, format_exact
from agent.language.numbers import parse_double, parse_int32

_MAX_DECIMAL = Decimal(79228162514264337593543950335)
_MAX_DIGITS = 100
_MOST_PLACES = 28
_CONTEXT = Context(prec=200, rounding=ROUND_HALF_EVEN)
_OF_UNIVERSAL_TIME = ("r", "R", "u")
_DECIMAL = re.compile(
    r"[ \t-\r]*([+-]?)([0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)[ \t-\r]*([+-]?)[ \t-\r]*\0*"
)


def _format(call: Call) -> str | None:
    if len(call.options) == 1:
        return _by_shape(call)
    kind, pattern, culture = call.options[0].lower(), call.options[1], call.environment.culture
    match kind:
        case "int" | "int32":
            whole = parse_int32(call.text)
            if whole is None:
                return None
            return format_exact(Decimal(whole), pattern, culture, whole=whole)
        case "double":
            number = parse_double(culture.read(call.text))
            return None if number is None else format_double(number, pattern, culture)
        case "decimal":
            exact = _parse_decimal(culture.read(call.text))
            return None if exact is None else format_exact(exact, pattern, culture)
        case "date" | "datetime":
            return _format_date(call, pattern, with_offset=False)
        case "datetimeoffset":
            return _format_date(call, pattern, with_offset=True)
        case _:
            return None


def _by_shape(call: Call) -> str | None:
    culture = call.environment.culture
    exact = _parse_decimal(culture.read(call.text))
    if exact is not None:
        return format_exact(exact, call.options[0], culture)
    return _format_date(call, call.options[0], with_offset=True)


def _format_date(call: Call, pattern: str, *, with_offset: bool) -> str | None:
    now = call.environment.now()
    moment = parse_moment(call.text, now, call.environment.culture)
    if moment is None:
        return None
    local = now.utcoffset() or timedelta(0)
    if with_offset:
        moment = replace(
            moment, kind=Kind.OFFSET, offset=local if moment.offset is None else moment.offset
        )
        if pattern in _OF_UNIVERSAL_TIME:
            moment = moment.in_zone(timedelta(0))
        pattern = pattern or f"{call.environment.culture.patterns['G']} zzz"
        return None if pattern == "U" else format_moment(moment, pattern, call.environment.culture)
    if moment.offset is None:
        # Its zone is the local one for those who ask for a zone.
        moment = replace(moment, offset=local)
    else:
        # A plain date is shown in the local zone when the text names one.
        moment = replace(moment.in_zone(local), kind=Kind.OFFSET)
    return format_moment(moment, pattern, call.environment.culture)


def _parse_decimal(text: str) -> Decimal | None:
    match = _DECIMAL.fullmatch(text) if len(text) <= _MAX_DIGITS else None
    if match is None:
        return None
    leading, digits, trailing = match.groups()
    if leading and trailing:
        return None
    value = _fitted(Decimal(digits.replace(",", "").removesuffix(".")))
    if value is None:
        return None
    return value.copy_negate() if value and "-" in (leading, trailing) else value


def _fitted(value: Decimal) -> Decimal | None:
    """Round to what 96 bits hold; None when the whole part alone does not fit."""
    exponent = value.as_tuple().exponent
    places = min(_MOST_PLACES, -exponent if isinstance(exponent, int) else 0)
    while places >= 0:
        rounded = value.quantize(Decimal(1).scaleb(-places), context=_CONTEXT)
        if rounded.scaleb(places, context=_CONTEXT) <= _MAX_DECIMAL:
            return rounded
        places -= 1
    return None


# A text that names no day is one of today.
FILTERS = {"format": Filter(_format, least=1, most=2, tells_time=True)}
