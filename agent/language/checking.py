"""Looks for mistakes in a template without evaluating it: what cannot be read, unknown names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from agent.language.characters import SPACES
from agent.language.filters import FILTERS
from agent.language.parser import is_template, parse_continuing
from agent.language.tokens import (
    Calculation,
    Conditional,
    Each,
    Expression,
    Identifier,
    Index,
    Operand,
    Operation,
    Substitution,
    Symbol,
    SymbolIndex,
    Text,
    Token,
)

MOST_FINDINGS: Final = 20
LONGEST: Final = 100_000
_SHOWN: Final = 40
# Without its end a block is read as a variable of this name.
_OPENING: Final = re.compile(rf"(if|unless|each|calc)[{SPACES}]", re.IGNORECASE)
_STRAY: Final = re.compile(r"(else|elseif[ \t].*)\Z", re.IGNORECASE)
_UNREAD: Final = re.compile(r"[^}\n]{0,40}\}?")
_CLOSING: Final = re.compile(r"#\{/(?:if|unless|each)\}")
# What a loop adds to its own names.
_OF_LOOPS: Final = "octopus.template.each"


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Names of variables, asked without regard to case."""

    names: frozenset[str]
    beginnings: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> KnownNames:
        """Return names that are known with all that stands above them."""
        known = frozenset(name.lower() for name in names)
        above = {start for name in known for start in _starts(name)}
        return cls(known, frozenset(above))

    def has(self, path: str) -> bool:
        """Tell whether the path may have a value: a variable, a group of some, or a part of one."""
        wanted = path.lower()
        if wanted in self.names or wanted in self.beginnings:
            return True
        return any(start in self.names for start in _starts(wanted))


@dataclass(slots=True)
class _Check:
    knows: Callable[[str], bool]
    found: dict[str, None] = field(default_factory=dict)

    def tokens(self, tokens: Iterable[Token], loops: frozenset[str]) -> None:
        for token in tokens:
            match token:
                case Substitution(expression):
                    self.substitution(expression, loops)
                case Conditional(left, comparison, truthy, falsy):
                    self.expression(left, loops)
                    if comparison is not None and not isinstance(comparison.right, Text):
                        self.expression(comparison.right, loops)
                    self.tokens((*truthy, *falsy), loops)
                case Each(variable, collection, body):
                    self.symbol(collection, loops)
                    self.tokens(body, loops | {variable.lower()})
                case Calculation(operand):
                    self.operand(operand, loops)

    def substitution(self, expression: Expression, loops: frozenset[str]) -> None:
        if isinstance(expression, Symbol):
            first = expression.steps[0]
            text = first.text if isinstance(first, Identifier) else ""
            if opening := _OPENING.match(text):
                self.add(_no_block(f"#{{{_shown(text)}}}", opening.group(1)))
                return
            if _STRAY.match(text):
                self.add(f"#{{{_shown(text)}}} stands outside of its block.")
                return
        self.expression(expression, loops)

    def expression(self, expression: Expression, loops: frozenset[str]) -> None:
        if isinstance(expression, Symbol):
            self.symbol(expression, loops)
            return
        if expression.name.lower() not in FILTERS:
            self.add(f"There is no filter named {_shown(expression.name)}.")
        if expression.argument is not None:
            self.expression(expression.argument, loops)
        self.tokens((each for each in expression.options if not isinstance(each, Text)), loops)

    def operand(self, operand: Operand, loops: frozenset[str]) -> None:
        if isinstance(operand, Operation):
            self.operand(operand.left, loops)
            self.operand(operand.right, loops)
        elif isinstance(operand, Symbol):
            self.symbol(operand, loops)

    def symbol(self, symbol: Symbol, loops: frozenset[str]) -> None:
        path = ""
        for step in symbol.steps:
            match step:
                case Identifier(text):
                    path += f".{text}" if path else text
                case Index("*"):
                    break
                case Index(text):
                    path += f"[{text}]"
                case SymbolIndex(inner):
                    self.symbol(inner, loops)
                    break
        first = symbol.steps[0]
        if isinstance(first, Identifier) and first.text.lower() in loops:
            return
        if loops and path.lower().startswith(_OF_LOOPS):
            return
        if path and not self.knows(path):
            self.add(f"No variable is named {_shown(path)}.")

    def add(self, words: str) -> None:
        if len(self.found) < MOST_FINDINGS:
            self.found[words] = None


def check_template(text: str, knows: Callable[[str], bool]) -> list[str]:
    """Return what seems wrong with a template, in words, each thing once.

    `knows` tells whether a variable of this name may exist. Nothing is evaluated; what is said is
    advice, for a variable may come into being while a deployment runs.
    """
    if not is_template(text):
        return []
    if len(text) > LONGEST:
        return ["The text is too long to be checked."]
    parsed = parse_continuing(text)
    check = _Check(knows)
    if parsed.error:
        check.add(parsed.error)
    for at in parsed.unread[:MOST_FINDINGS]:
        check.add(_unread(text, at))
    check.tokens(parsed.tokens, frozenset())
    return list(check.found)


def _unread(text: str, at: int) -> str:
    found = _UNREAD.match(text, at)
    shown = found.group() if found else ""
    if _CLOSING.match(text, at):
        return f"{shown} closes nothing."
    if opening := _OPENING.match(text, at + 2):
        return _no_block(shown, opening.group(1))
    line = text.count("\n", 0, at) + 1
    return f"Line {line}: {shown} cannot be read and stays as it is."


def _no_block(shown: str, word: str) -> str:
    ending = "" if word.lower() == "calc" else f" #{{/{word.lower()}}} is missing, or"
    return f"{shown} opens no block:{ending} what stands in it cannot be read."


def _starts(name: str) -> Iterator[str]:
    """Yield what stands before each dot and bracket of a name."""
    for at, character in enumerate(name):
        if at and character in ".[":
            yield name[:at]


def _shown(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
