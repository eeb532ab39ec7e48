"""Numbers as text in both directions, by the rules of the language's origin (.NET, invariant)."""

from __future__ import annotations

import math
import re

MAX_INT32 = 2**31 - 1
MIN_INT32 = -(2**31)
_PLAIN_EXPONENT_LOW = -5
_PLAIN_EXPONENT_HIGH = 17
_MAX_LENGTH = 400
_INT = re.compile(r"[ \t\n\r\v\f]*([+-]?[0-9]+)[ \t\n\r\v\f]*\0*")
_DOUBLE = re.compile(
    r"[ \t\n\r\v\f]*([+-]?)((?:[0-9][0-9,]*)?(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)[ \t\n\r\v\f]*\0*"
)
_SPECIAL = {
    "infinity": math.inf,
    "+infinity": math.inf,
    "-infinity": -math.inf,
    "nan": math.nan,
    "-nan": math.nan,
    "+nan": math.nan,
}


def parse_int32(text: str) -> int | None:
    """Read a whole number of 32 bits, or answer None."""
    match = _INT.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        return None
    value = int(match.group(1))
    return value if MIN_INT32 <= value <= MAX_INT32 else None


def parse_double(text: str) -> float | None:
    """Read a floating-point number; commas between whole digits are ignored; or answer None."""
    if len(text) > _MAX_LENGTH:
        return None
    special = _SPECIAL.get(text.strip().lower())
    if special is not None:
        return special
    match = _DOUBLE.fullmatch(text)
    if match is None or not any(char.isdigit() for char in match.group(2).lower().split("e")[0]):
        return None
    return float(match.group(1) + match.group(2).replace(",", ""))


def double_text(value: float) -> str:
    """Give the shortest text that reads back as the same number."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    digits, exponent = _shortest_digits(abs(value))
    if digits == "0":
        return f"{sign}0"
    if exponent < _PLAIN_EXPONENT_LOW + 1 or exponent >= _PLAIN_EXPONENT_HIGH:
        mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        return f"{sign}{mantissa}E{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    fraction = digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _shortest_digits(value: float) -> tuple[str, int]:
    """Split into significant digits and the decimal exponent of the first of them."""
    mantissa, _, exponent_text = repr(value).lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    exponent = len(whole) - 1 - leading_zeros + int(exponent_text or 0)
    return digits.rstrip("0") or "0", exponent
