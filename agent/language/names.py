"""Names of variables as paths through the tree of all of them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from agent.language.characters import fold
from agent.language.parser import parse_name
from agent.language.tokens import Path, key_of

_WORD: Final = r"[A-Za-z0-9_\-:/~()@]+"
_WORDS: Final = rf"{_WORD}(?: {_WORD})*"
# Begins with no blank and no `#`, and holds no bracket.
_IN_BRACKETS: Final = r"\[((?:[!-\"$-Z\\^-~][ -Z\\^-~]*)?)\]"
_PLAIN: Final = re.compile(rf"{_WORDS}(?:\.{_WORDS}|{_IN_BRACKETS})*")
_STEP: Final = re.compile(rf"\.?({_WORDS})|{_IN_BRACKETS}")
# Where a reader ends the name, for a loop may go on there.
_KEYWORD: Final = " in "
# The reader gives up on what is too complex; what is as short as this never is.
_LONGEST_PLAIN: Final = 200


# The same names come again with every target and step; 10 MB when it is full.
@lru_cache(maxsize=32_768)
def path_of(name: str) -> Path | None:
    """Return the steps to the variable, as far as its name can be read; None when it names nothing.

    Names as most people write them need no reader, which takes ten times as long.
    """
    if _is_plain(name):
        return tuple(
            (not word, (word or index).upper(), word or index)
            for word, index in _STEP.findall(name)
        )
    symbol = parse_name(name)
    # One with an index that is another's value names nothing.
    return None if symbol is None else symbol.path


@lru_cache(maxsize=32_768)
def keys_of(name: str) -> tuple[str, str | None]:
    """Return the form in which names are compared, and the key of the place that it leads to.

    The second is None where both are the same, as for all usual names, and empty for a name that
    leads nowhere.
    """
    if _is_plain(name):
        return name.upper(), None
    key, path = fold(name), path_of(name)
    place = key_of(path) if path else ""
    return key, None if place == key else place


def _is_plain(name: str) -> bool:
    return (
        len(name) <= _LONGEST_PLAIN and _PLAIN.fullmatch(name) is not None and _KEYWORD not in name
    )
