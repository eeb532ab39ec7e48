"""The text form of tokens: what is shown where a value could not be found."""

from __future__ import annotations

from agent.language.numbers import double_text
from agent.language.tokens import (
    Calculation,
    Conditional,
    Each,
    Expression,
    Identifier,
    Index,
    Number,
    Operand,
    Operation,
    Substitution,
    Symbol,
    Text,
    Token,
    Tokens,
)


def token_text(token: Token) -> str:
    """Give the normal form of a token."""
    match token:
        case Text(text):
            return text.replace("#{", "##{")
        case Substitution(expression):
            return f"#{{{expression_text(expression)}}}"
        case Conditional():
            return _conditional_text(token)
        case Each(variable, collection, body):
            return f"#{{each {variable} in {symbol_text(collection)}}}{_all_text(body)}#{{/each}}"
        case Calculation(operand):
            return f"#{{{_operand_text(operand)}}}"


def expression_text(expression: Expression) -> str:
    """Give the normal form of what stands between the braces."""
    if isinstance(expression, Symbol):
        return symbol_text(expression)
    argument = "" if expression.argument is None else expression_text(expression.argument)
    options = "".join(f" {_option_text(option)}" for option in expression.options)
    return f"{argument} | {expression.name}{options}"


def symbol_text(symbol: Symbol) -> str:
    """Give the normal form of a path."""
    pieces: list[str] = []
    for step in symbol.steps:
        match step:
            case Identifier(text):
                pieces.append(f".{text}" if pieces else text)
            case Index(text):
                pieces.append(f"[{text}]")
            case _:
                pieces.append(f"[#{{{symbol_text(step.symbol)}}}]")
    return "".join(pieces)


def _option_text(option: Token) -> str:
    return f'"{token_text(option)}"' if isinstance(option, Text) else token_text(option)


def _all_text(tokens: Tokens) -> str:
    return "".join(map(token_text, tokens))


def _conditional_text(token: Conditional) -> str:
    condition = expression_text(token.left)
    if token.comparison is not None:
        sign = "==" if token.comparison.equal else "!="
        right = token.comparison.right
        shown = f'"{right.text}"' if isinstance(right, Text) else expression_text(right)
        condition = f"{condition} {sign} {shown} "
    otherwise = f"#{{else}}{_all_text(token.falsy)}" if token.falsy else ""
    return f"#{{if {condition}}}{_all_text(token.truthy)}{otherwise}#{{/if}}"


def _operand_text(operand: Operand) -> str:
    match operand:
        case Number(value):
            return double_text(value)
        case Operation(left, operator, right):
            return f"{_operand_text(left)}{operator}{_operand_text(right)}"
        case _:
            return symbol_text(operand)
