"""Classes of characters and case rules of the language."""

from __future__ import annotations

import re
import unicodedata

SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
SPACE_RUN = re.compile(f"[{SPACES}]*")
IDENTIFIER_SIGNS = frozenset("_-:/~()@")
_HALF = re.compile("[\ud800-\udfff]")
_LAST_OF_BASIC_PLANE = "\uffff"
PLAIN_RUN = re.compile(r"[A-Za-z0-9_\-:/~()@]+")


def is_identifier_char(char: str) -> bool:
    """Whether the character may stand in an identifier; blanks have rules of their own."""
    if char.isascii():
        return char.isalnum() or char in IDENTIFIER_SIGNS
    if char > _LAST_OF_BASIC_PLANE:
        # Two units of UTF-16, of which none is a letter.
        return False
    category = unicodedata.category(char)
    return category[0] == "L" or category == "Nd"


def whole_characters(text: str) -> str:
    """Put halves of one character together, and the sign for no character where one is alone."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def upper(text: str, *, maps_dotted_i: bool = False) -> str:
    """Convert to upper case, one character to one."""
    if text.isascii():
        return text.upper()
    converted = "".join(_single(char, char.upper()) for char in text)
    return converted.replace("ı", "I") if maps_dotted_i else converted


def lower(text: str, *, maps_dotted_i: bool = False) -> str:
    """Convert to lower case, one character to one."""
    if text.isascii():
        return text.lower()
    converted = "".join(_single(char, char.lower()) for char in text)
    return converted.replace("İ", "i") if maps_dotted_i else converted


def fold(text: str) -> str:
    """Give the form in which names are compared without regard to case."""
    return text.upper() if text.isascii() else upper(text)


def _single(char: str, converted: str) -> str:
    # The dotless and the dotted I have no counterpart in the invariant culture.
    if char in "ıİ":
        return char
    if len(converted) == 1:
        return converted
    # A letter with a subscript is the same in titles, as one character.
    title = char.title()
    return title if len(title) == 1 else char
