"""What a template consists of once it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Identifier:
    """A named step of a symbol; positions tell equal steps of different places apart."""

    text: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class Index:
    """A step in brackets, as written."""

    text: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class SymbolIndex:
    """A step in brackets whose text is the value of another symbol."""

    symbol: Symbol
    position: int = 0


Step: TypeAlias = Identifier | Index | SymbolIndex


@dataclass(frozen=True, slots=True)
class Symbol:
    """The path to a value: `A.B[c].D`."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class FilterCall:
    """A filter on an expression; the argument may be absent."""

    argument: Expression | None
    name: str
    options: tuple[Token, ...]


Expression: TypeAlias = Symbol | FilterCall


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves."""

    text: str


@dataclass(frozen=True, slots=True)
class Substitution:
    """`#{expression}`."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Comparison:
    """The right side of a condition; a quoted right side is a Text."""

    equal: bool
    right: Expression | Text


@dataclass(frozen=True, slots=True)
class Conditional:
    """`#{if}` and `#{unless}`, the latter with its branches exchanged."""

    left: Expression
    comparison: Comparison | None
    truthy: Tokens
    falsy: Tokens


@dataclass(frozen=True, slots=True)
class Each:
    """`#{each variable in collection}`."""

    variable: str
    collection: Symbol
    body: Tokens


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a calculation."""

    value: float


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands and one of `+ - * /`."""

    left: Operand
    operator: str
    right: Operand


Operand: TypeAlias = Number | Symbol | Operation


@dataclass(frozen=True, slots=True)
class Calculation:
    """`#{calc sum}`."""

    operand: Operand


Token: TypeAlias = Text | Substitution | Conditional | Each | Calculation
Tokens: TypeAlias = tuple[Token, ...]
