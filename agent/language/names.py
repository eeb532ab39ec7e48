"""Names of variables as paths through the tree of all of them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from agent.language.characters import fold
from agent.language.parser import parse_name
from agent.language.tokens import Identifier, Index

# Whether it is a step in brackets, the form in which it is compared, and as it is written.
PathStep = tuple[bool, str, str]

_WORD: Final = r"[A-Za-z0-9_\-:/~()@]+"
# Begins with no blank and no `#`, and holds no bracket.
_IN_BRACKETS: Final = r"\[((?:[!-\"$-Z\\^-~][ -Z\\^-~]*)?)\]"
_PLAIN: Final = re.compile(rf"{_WORD}(?:\.{_WORD}|{_IN_BRACKETS})*")
_STEP: Final = re.compile(rf"\.?({_WORD})|{_IN_BRACKETS}")
# The reader gives up on what is too complex; what is as short as this never is.
_LONGEST_PLAIN: Final = 200


# The same names come again with every target and step; 10 MB when it is full.
@lru_cache(maxsize=32_768)
def path_of(name: str) -> tuple[PathStep, ...] | None:
    """Return the steps to the variable, as far as its name can be read; None when it names nothing.

    Names as most people write them need no reader, which takes ten times as long.
    """
    if len(name) <= _LONGEST_PLAIN and _PLAIN.fullmatch(name):
        return tuple(
            (not word, (word or index).upper(), word or index)
            for word, index in _STEP.findall(name)
        )
    symbol = parse_name(name)
    if symbol is None:
        return None
    return tuple(
        (isinstance(step, Index), fold(step.text), step.text)
        for step in symbol.steps
        if isinstance(step, (Identifier, Index))  # others are none of a name's
    )
