"""Say where a template cannot be read, in the words of the language's origin."""

from __future__ import annotations

from typing import Final

_BYTES: Final = 2
_CONSUMED: Final = 10


def failure_text(text: str, at: int) -> str:
    """Return the error of a template whose first token that cannot be read begins there.

    Lines end with line feeds; columns and the characters before are counted as units of UTF-16.
    """
    line = text.count("\n", 0, at) + 1
    column = len(_units(text[text.rfind("\n", 0, at) + 1 : at])) // _BYTES + 1
    before = _units(text[max(0, at - _CONSUMED) : at])[-_CONSUMED * _BYTES :]
    consumed = before.decode("utf-16-le", "ignore")
    return (
        f"Parsing failure: unexpected '{text[at]}'; expected end of input "
        f"(Line {line}, Column {column}); recently consumed: {consumed}"
    )


def _units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")
