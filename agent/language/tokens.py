"""What a template consists of once it is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from agent.language.characters import fold

# The index that stands for the first there is, and the names that loops add to.
FIRST: Final = "*"
OCTOPUS: Final = "OCTOPUS"
# The position of a step that stands in no text.
NOWHERE: Final = -1

# Whether it is a step in brackets, the form in which it is compared, and as it is written.
PathStep: TypeAlias = tuple[bool, str, str]
Path: TypeAlias = tuple[PathStep, ...]


def key_of(path: Iterable[PathStep]) -> str:
    """Return the path as one text, in the form in which names are compared."""
    key = "".join(f"[{folded}]" if is_index else f".{folded}" for is_index, folded, _ in path)
    return key.removeprefix(".")


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
Identity: TypeAlias = "tuple[tuple[bool, Identity | str, int], ...]"


@dataclass(frozen=True, slots=True)
class Symbol:
    """The path to a value: `A.B[c].D`; `path` is None while an index is still another's value.

    `key` is the path as one text, None where it may lead to several places. Symbols of one
    `identity` are the same step for step, at the same places of their texts.
    """

    steps: tuple[Step, ...]
    path: Path | None = field(init=False, compare=False, repr=False)
    key: str | None = field(init=False, compare=False, repr=False)
    identity: Identity = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        path: list[PathStep] = []
        identity: list[tuple[bool, Identity | str, int]] = []
        for step in self.steps:
            if isinstance(step, SymbolIndex):
                identity.append((True, step.symbol.identity, step.position))
            else:
                is_index = isinstance(step, Index)
                path.append((is_index, fold(step.text), step.text))
                identity.append((is_index, step.text, step.position))
        is_known = len(path) == len(self.steps)
        object.__setattr__(self, "path", tuple(path) if is_known else None)
        # A value that is an index may hold brackets, which would seem to be more steps.
        is_single = is_known and not any(
            is_index and (text == FIRST or "[" in text or "]" in text) for is_index, _, text in path
        )
        object.__setattr__(self, "key", key_of(path) if is_single else None)
        object.__setattr__(self, "identity", tuple(identity))


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
    """`#{each variable in collection}`; whether the body may ask for what a loop adds itself."""

    variable: str
    collection: Symbol
    body: Tokens
    asks_for_round: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "asks_for_round", any(map(_asks, self.body)))


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a calculation."""

    value: float


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands and one of `+ - * / %`."""

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


def _asks(token: Token) -> bool:
    """Whether a name that begins with Octopus is in the token."""
    match token:
        case Text():
            return False
        case Substitution(expression):
            return _expression_asks(expression)
        case Conditional(left, comparison, truthy, falsy):
            right = None if comparison is None else comparison.right
            sides = (left, *(() if right is None or isinstance(right, Text) else (right,)))
            return any(map(_expression_asks, sides)) or any(map(_asks, (*truthy, *falsy)))
        case Each():
            return token.asks_for_round or _symbol_asks(token.collection)
        case Calculation(operand):
            return _operand_asks(operand)


def _expression_asks(expression: Expression) -> bool:
    if isinstance(expression, Symbol):
        return _symbol_asks(expression)
    argument = expression.argument
    return any(map(_asks, expression.options)) or (
        argument is not None and _expression_asks(argument)
    )


def _operand_asks(operand: Operand) -> bool:
    if isinstance(operand, Operation):
        return _operand_asks(operand.left) or _operand_asks(operand.right)
    return isinstance(operand, Symbol) and _symbol_asks(operand)


def _symbol_asks(symbol: Symbol) -> bool:
    first = symbol.steps[0]
    if isinstance(first, Identifier) and fold(first.text) == OCTOPUS:
        return True
    inner: Iterable[Symbol] = (
        step.symbol for step in symbol.steps if isinstance(step, SymbolIndex)
    )
    return any(map(_symbol_asks, inner))
