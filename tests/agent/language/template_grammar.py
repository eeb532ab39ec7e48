"""The grammar of templates, rule by rule, in small parsers that know nothing of speed.

`agent.language.parser` reads the same texts in linear time; a property test holds it against this.
"""

import unicodedata
from typing import Any

from agent.language.characters import SPACES
from agent.language.tokens import (
    Calculation,
    Comparison,
    Conditional,
    Each,
    FilterCall,
    Identifier,
    Index,
    Number,
    Operation,
    Substitution,
    Symbol,
    SymbolIndex,
    Text,
    Token,
)
from tests.agent.language.combinators import (
    Parser,
    Reading,
    Result,
    char,
    committed,
    either,
    literal,
    many,
    mapped,
    optional,
    rule,
    seq,
    unless,
    where,
)


def token(part: Parser) -> Parser:
    return seq(BLANKS, part, BLANKS, to=lambda _, value, __: value)


def _is_name_char(here: str) -> bool:
    kind = unicodedata.category(here)
    return ord(here) < 0x10000 and (kind[0] == "L" or kind == "Nd" or here in "_-:/~()@")


def _name_char(reading: Reading, at: int) -> Result:
    """A character of a name; a blank only where it does not belong to what follows."""
    text = reading.text
    here = text[at : at + 1]
    if not here or not (_is_name_char(here) or here in SPACES):
        return Result(False, at)
    if here in SPACES:
        follows = text[at + 1 : at + 2]
        if follows in ("|", "}") and at + 1 < len(text) - 1:
            return Result(False, at)
        if text[at + 1 : at + 3] in ("in", "==", "!=") and text[at + 3 : at + 4] in tuple(SPACES):
            return Result(False, at + 1)
    return Result(True, at + 1, here)


def _joined(pieces: list[str], _: int = 0) -> str:
    return "".join(pieces)


BLANKS = many(char(lambda here: here in SPACES))
SOME_BLANKS = many(char(lambda here: here in SPACES), least=1)
NAME = mapped(many(_name_char, least=1), lambda found, _: "".join(found).strip(SPACES))
WORD = mapped(many(char(_is_name_char), least=1), _joined)
OPEN = unless(literal("#{"), literal("#{/"))
CLOSE = literal("}")
EXPRESSION: Parser = rule(lambda: either(FILTERED, SYMBOL))
SUBSTITUTION = rule(
    lambda: seq(OPEN, token(EXPRESSION), CLOSE, to=lambda _, found, __: Substitution(found))
)

# Symbols.
STEP = mapped(NAME, Identifier)
SYMBOL_INDEX = where(token(SUBSTITUTION), lambda found: isinstance(found.expression, Symbol))
NESTED_INDEX = rule(lambda: mapped(RAW_INDEX, lambda found, _: f"[{found}]"))
RAW_INDEX: Parser = rule(
    lambda: seq(
        literal("["),
        token(many(either(NESTED_INDEX, mapped(many(_PLAIN, least=1), _joined)))),
        literal("]"),
        to=lambda _, parts, __: "".join(parts),
    )
)
_PLAIN: Parser = char(lambda here: here not in "[]")
INDEX = either(
    mapped(
        seq(literal("["), token(SYMBOL_INDEX), literal("]"), to=lambda _, found, __: found),
        lambda found, at: SymbolIndex(found.expression, at),
    ),
    mapped(RAW_INDEX, Index),
)
TRAILING = committed(seq(literal("."), STEP, to=lambda _, step: step), INDEX)
SYMBOL: Parser = rule(
    lambda: seq(STEP, many(TRAILING), to=lambda first, rest: Symbol((first, *rest)))
)

# Filters.
QUOTED = token(
    seq(
        literal('"'),
        mapped(many(char(lambda here: here not in '"#')), _joined),
        literal('"'),
        to=lambda _, found, __: found,
    )
)
ESCAPED = token(
    seq(
        literal('\\"'),
        mapped(many(unless(char(lambda _: True), literal('\\"'))), _joined),
        literal('\\"'),
        to=lambda _, found, __: found,
    )
)
STRING = either(QUOTED, ESCAPED)
OPTION: Parser = rule(
    lambda: either(
        CONDITIONAL,
        CALCULATION,
        EACH,
        SUBSTITUTION,
        mapped(either(token(WORD), QUOTED, ESCAPED), lambda found, _: Text(found)),
    )
)
FILTER = seq(
    literal("|"), token(WORD), many(OPTION), to=lambda _, name, options: (name, tuple(options))
)


def _chain(argument: Symbol | None, filters: list[tuple[str, tuple[Token, ...]]]) -> FilterCall:
    expression: Any = argument
    for name, options in filters:
        expression = FilterCall(expression, name, options)
    return expression  # type: ignore[no-any-return]  # there is at least one


FILTERED: Parser = rule(lambda: seq(optional(token(SYMBOL)), many(FILTER, least=1), to=_chain))

# Blocks.
SIGN = mapped(either(token(literal("==")), token(literal("!="))), lambda found, _: found == "==")


def _compared(left: Any, equal: bool, right: Any) -> tuple[Any, Comparison]:
    if isinstance(left, str):
        return right, Comparison(equal, Text(left))
    return left, Comparison(equal, Text(right) if isinstance(right, str) else right)


CONDITION = rule(
    lambda: either(
        token(seq(token(EXPRESSION), SIGN, token(EXPRESSION), to=_compared)),
        token(seq(token(STRING), SIGN, token(EXPRESSION), to=_compared)),
        token(seq(token(EXPRESSION), SIGN, token(STRING), to=_compared)),
        token(mapped(token(EXPRESSION), lambda found, _: (found, None))),
    )
)
ELSE_IF_OPEN = seq(literal("#{elseif"), char(lambda here: here in SPACES))
TEMPLATE = rule(lambda: many(TOKEN))
UNLESS_BODY = rule(lambda: many(unless(TOKEN, literal("#{else}"))))
IF_BODY = rule(lambda: many(unless(unless(TOKEN, literal("#{else}")), ELSE_IF_OPEN)))
ELSE_IF = seq(
    ELSE_IF_OPEN,
    token(CONDITION),
    BLANKS,
    CLOSE,
    IF_BODY,
    to=lambda _, condition, __, ___, body: (condition, tuple(body)),
)
OTHERWISE = optional(seq(literal("#{else}"), TEMPLATE, to=lambda _, body: body))


def _if(condition: Any, body: Any, clauses: Any, otherwise: Any) -> Conditional:
    falsy = tuple(otherwise or ())
    for (left, comparison), truthy in reversed(clauses):
        falsy = (Conditional(left, comparison, truthy, falsy),)
    return Conditional(condition[0], condition[1], tuple(body), falsy)


def _block(word: str, body: Parser, clauses: Parser) -> Parser:
    return seq(
        OPEN,
        BLANKS,
        literal(word, ignore_case=True),
        SOME_BLANKS,
        CONDITION,
        BLANKS,
        CLOSE,
        body,
        clauses,
        OTHERWISE,
        literal(f"#{{/{word}}}"),
        to=lambda *found: (found[4], found[7], found[8], found[9]),
    )


# Nothing begins with both words, so that the choice may stand outside.
CONDITIONAL: Parser = rule(
    lambda: either(
        mapped(_block("if", IF_BODY, many(ELSE_IF)), lambda found, _: _if(*found)),
        mapped(
            _block("unless", UNLESS_BODY, lambda _, at: Result(True, at)),
            lambda found, _: _if(found[0], found[3] or (), (), found[1]),
        ),
    )
)
EACH: Parser = rule(
    lambda: seq(
        OPEN,
        BLANKS,
        literal("each", ignore_case=True),
        SOME_BLANKS,
        token(NAME),
        token(literal("in", ignore_case=True)),
        token(SYMBOL),
        CLOSE,
        TEMPLATE,
        literal("#{/each}"),
        to=lambda *found: Each(found[4], found[6], tuple(found[8])),
    )
)

# Sums.
DIGITS = mapped(many(char(str.isdecimal), least=1), _joined)
FRACTION = seq(literal("."), DIGITS, to=lambda _, digits: f".{digits}")
NUMBER = mapped(
    committed(
        seq(DIGITS, committed(FRACTION, lambda _, at: Result(True, at, "")), to="{}{}".format),
        FRACTION,
    ),
    lambda found, _: Number(float(found)),
)
IN_BRACES = seq(literal("{"), BLANKS, token(SYMBOL), BLANKS, CLOSE, to=lambda *found: found[2])


def _lone(found: Symbol) -> bool:
    first = found.steps[0]
    name = first.text if isinstance(first, Identifier) else ""
    return len(found.steps) == 1 and name.endswith(")") and "(" not in name and len(name) > 1


def _without_bracket(_: str, found: Symbol) -> Symbol:
    (step,) = found.steps
    return Symbol((Identifier(step.text[:-1].rstrip(SPACES), step.position),))  # type: ignore[union-attr]  # `_lone`


IN_PARENTHESES = rule(
    lambda: either(
        seq(literal("("), SUM, literal(")"), to=lambda _, found, __: found),
        # `(A)`, whose second parenthesis is one of the name's characters.
        seq(literal("("), where(SYMBOL, _lone), to=_without_bracket),
    )
)
FACTOR = rule(
    lambda: committed(IN_PARENTHESES, committed(committed(NUMBER, IN_BRACES), token(SYMBOL)))
)


def _operations(first: Any, rest: list[tuple[str, Any]]) -> Any:
    for operator, right in rest:
        first = Operation(first, operator, right)
    return first


def _joined_by(signs: str, part: Parser) -> Parser:
    sign = either(*(token(literal(each)) for each in signs))
    return seq(part, many(seq(sign, part)), to=_operations)


SUM: Parser = rule(lambda: _joined_by("+-", _joined_by("*/%", FACTOR)))
CALCULATION: Parser = rule(
    lambda: seq(
        OPEN,
        BLANKS,
        literal("calc", ignore_case=True),
        SOME_BLANKS,
        SUM,
        BLANKS,
        CLOSE,
        to=lambda *found: Calculation(found[4]),
    )
)


# Text and the whole.
def _last_hash(reading: Reading, at: int) -> Result:
    is_last = reading.text[at:] == "#"
    return (
        Result(True, at + 1, "#")
        if is_last
        else Result(False, at + (reading.text[at : at + 1] == "#"))
    )


def _doubled(reading: Reading, at: int) -> Result:
    found = literal("##")(reading, at)
    follows = reading.text[at + 2 : at + 4] == "#{" and at + 4 < len(reading.text)
    return found if not found.ok or follows else Result(False, at + 2)


TEXT = mapped(
    many(
        either(
            char(lambda here: here != "#"),
            _last_hash,
            mapped(_doubled, lambda _, __: "#"),
            mapped(literal("##{"), lambda _, __: "#{"),
            seq(literal("#"), char(lambda here: here != "{"), to="{}{}".format),
        ),
        least=1,
    ),
    lambda found, _: Text("".join(found)),
)
TOKEN: Parser = rule(lambda: either(CONDITIONAL, CALCULATION, EACH, SUBSTITUTION, TEXT))


def read_whole(text: str) -> tuple[Token, ...] | int:
    """Return the tokens; where the first stands that cannot be read if there is one."""
    found = TEMPLATE(Reading(text), 0)
    return tuple(found.value) if found.at == len(text) else found.at


def read_continuing(text: str) -> tuple[Token, ...]:
    """Return the tokens; what cannot be read is text up to where reading failed."""
    reading, tokens, at = Reading(text), [], 0
    while at < len(text):
        found = TOKEN(reading, at)
        tokens.append(found.value if found.ok else Text(text[at : found.at]))
        at = found.at
    return tuple(tokens)
