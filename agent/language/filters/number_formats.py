"""Write numbers by the format strings of .NET."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

from agent.language.culture import Culture
from agent.language.filters.custom_numbers import format_custom
from agent.language.numbers import double_text

_STANDARD = re.compile(r"([A-Za-z])(?:0*([0-9]{1,2}))?")
_WHOLE_ONLY = "DX"
_DOUBLE_ONLY = "R"
_KNOWN = "CDEFGNPRX"
_GENERAL = "G"
_CONTEXT = Context(prec=450, rounding=ROUND_HALF_UP)
_INT_BITS = 32
_CUSTOM_DIGITS = 15
# As many as there may be in a decimal number.
_DECIMAL_DIGITS = 29


def format_exact(
    value: Decimal, pattern: str, culture: Culture, *, whole: int | None = None
) -> str | None:
    """Write a decimal number, or a whole one of 32 bits; None when the pattern is no format."""
    standard = _STANDARD.fullmatch(pattern or _GENERAL)
    if standard is None:
        return format_custom(value, pattern, culture)
    letter, precision = _letter(standard)
    if letter.upper() == _GENERAL and standard.group(2) and not precision:
        precision = _DECIMAL_DIGITS
    if letter.upper() in _WHOLE_ONLY:
        return None if whole is None else _whole(whole, letter, precision or 0)
    if letter.upper() not in _KNOWN or letter.upper() in _DOUBLE_ONLY:
        return None
    if letter.upper() == "G" and precision is None:
        return culture.digits(f"{value:f}")
    return _standard(value, letter, precision, culture)


def format_double(value: float, pattern: str, culture: Culture) -> str | None:
    """Write a floating-point number; None when the pattern is no format."""
    if not math.isfinite(value):
        return double_text(value)
    standard = _STANDARD.fullmatch(pattern or _GENERAL)
    if standard is None:
        # As exact as it is shown there.
        rounded = _rounded(Decimal(value), _CUSTOM_DIGITS, ROUND_HALF_EVEN)
        return format_custom(rounded, pattern, culture, signs_zero=True)
    letter, precision = _letter(standard)
    if letter.upper() in _WHOLE_ONLY or letter.upper() not in _KNOWN:
        return None
    if letter.upper() == _DOUBLE_ONLY or (letter.upper() == "G" and precision is None):
        shown = double_text(value)
        return culture.digits(shown.lower() if letter.islower() else shown)
    return _standard(Decimal(value), letter, precision, culture, rounding=ROUND_HALF_EVEN)


def _letter(standard: re.Match[str]) -> tuple[str, int | None]:
    """Return the letter and its precision; a general format of no digits is one without."""
    letter, digits = standard.groups()
    precision = int(digits) if digits is not None else None
    return letter, precision or None if letter.upper() == _GENERAL else precision


def _whole(value: int, letter: str, precision: int) -> str:
    if letter.upper() == "D":
        return f"{'-' if value < 0 else ''}{abs(value):0{precision}d}"
    return f"{value % 2**_INT_BITS:0{precision}{letter}}"


def _standard(
    value: Decimal,
    letter: str,
    precision: int | None,
    culture: Culture,
    *,
    rounding: str = ROUND_HALF_UP,
) -> str | None:
    places = 2 if precision is None else precision
    if precision is None and letter.upper() in "FNP":
        places = culture.decimal_places
    match letter.upper():
        case "F":
            return culture.digits(_fixed(value, places, rounding, grouped=False))
        case "N":
            return culture.digits(_fixed(value, places, rounding, grouped=True))
        case "P":
            shown = _fixed(_CONTEXT.multiply(value, Decimal(100)), places, rounding, grouped=True)
            return culture.percent.replace("{}", culture.digits(shown))
        case "C":
            shown = _fixed(value, places, rounding, grouped=True)
            is_negative = shown.startswith("-")
            pattern = culture.negative_currency if is_negative else culture.currency
            return pattern.replace("{}", culture.digits(shown.removeprefix("-")))
        case "E":
            places = 6 if precision is None else precision
            return culture.digits(_exponential(value, places, letter, rounding))
        case _:
            return culture.digits(_general(value, places, letter, rounding))


def _fixed(value: Decimal, places: int, rounding: str, *, grouped: bool) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=_CONTEXT)
    if rounded == 0 and rounding == ROUND_HALF_UP:
        rounded = abs(rounded)
    return f"{rounded:,f}" if grouped else f"{rounded:f}"


def _exponential(value: Decimal, places: int, letter: str, rounding: str) -> str:
    rounded = _rounded(value, places + 1, rounding)
    mantissa, _, exponent = f"{rounded.copy_abs():.{places}e}".partition("e")
    # Zeros after the point would count.
    number = int(exponent) if value else 0
    sign = "-" if number < 0 else "+"
    return f"{_sign(rounded, rounding)}{mantissa}{letter}{sign}{abs(number):03d}"


def _general(value: Decimal, digits: int, letter: str, rounding: str) -> str:
    rounded = _rounded(value, digits, rounding).normalize(_CONTEXT)
    before, shown = _sign(rounded, rounding), rounded.copy_abs()
    exponent = shown.adjusted()
    if shown == 0:
        return f"{before}0"
    if -5 < exponent < digits:  # noqa: PLR2004 - the range shown without exponent
        return f"{before}{shown:f}"
    mantissa = f"{shown.scaleb(-exponent, context=_CONTEXT):f}"
    sign = "-" if exponent < 0 else "+"
    return f"{before}{mantissa}{'E' if letter == 'G' else 'e'}{sign}{abs(exponent):02d}"


def _sign(value: Decimal, rounding: str) -> str:
    """Only what came from a floating-point number has a zero below zero."""
    return "-" if value.is_signed() and (value or rounding == ROUND_HALF_EVEN) else ""


def _rounded(value: Decimal, digits: int, rounding: str) -> Decimal:
    return Context(prec=digits, rounding=rounding).plus(value.copy_abs()).copy_sign(value)
