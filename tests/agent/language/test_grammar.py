"""The quick reader against the grammar said rule by rule, on random templates, valid and broken."""

import re
import time
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from random import Random, SystemRandom

import pytest

from agent.language import (
    Environment,
    Evaluation,
    LanguageError,
    LimitExceeded,
    Limits,
    VariableSet,
    evaluate,
    is_template,
)
from agent.language.echo import token_text
from agent.language.parser import parse_continuing, parse_template
from agent.language.tokens import Calculation, Comparison, FilterCall, Identifier, Text, Token
from tests.agent.language.plain_evaluation import Plain, TooMuch
from tests.agent.language.template_grammar import read_continuing, read_whole
from tests.agent.language.templates import random_template, random_values

SOME, ALL = 1_500, 100_000
NOW = datetime(2016, 11, 3, 8, 53, tzinfo=UTC)
# By what is done, not by how long it takes: that differs from one time to the next.
BOUNDED = Environment(
    now=lambda: NOW, limits=Limits(characters=1_000_000, loops=5_000, seconds=3600)
)
LONGEST_S = 3.0
AMBIGUOUS = re.compile(r"##|\{else\}#\{/")
OPENING = re.compile(r"(?:if|unless|each|elseif|calc)(?:\s|$)", re.IGNORECASE)
PLACE = re.compile(
    r"Parsing failure: unexpected '#'; expected end of input \(Line (\d+), Column (\d+)\); "
    r"recently consumed: (.{0,10})",
    re.DOTALL,
)


@pytest.mark.parametrize(
    "count", [SOME, pytest.param(ALL, marks=[pytest.mark.thorough, pytest.mark.timeout(3600)])]
)
def test_random_templates_are_read_and_evaluated_as_the_rules_say(count: int) -> None:
    # The short form always takes the same templates; the long one looks for new ones.
    seed, broken, ended, plainly = SystemRandom().randrange(10**9) if count == ALL else 1, 0, 0, 0
    for number in range(count):
        random = Random(f"{seed}/{number}")
        template, values = random_template(random), random_values(random)
        began = time.process_time()
        try:
            _check_reading(template)
            plainly += _is_plainly_so(template, values)
            ends = {_ends(template, values, halts=halts) for halts in (True, False)}
        except Exception as error:
            error.add_note(f"{seed}/{number}: {template!r} with {values!r}")
            raise
        broken += isinstance(read_whole(template), int)
        ended += "raised" in ends
        assert time.process_time() - began < LONGEST_S, (template, values)
    # The templates say something only as long as many can be read, many cannot, and some fail.
    assert count * 0.2 < broken < count * 0.8
    assert 0 < ended < count * 0.3
    assert plainly > count * 0.2


def _check_reading(template: str) -> None:
    expected, found = read_whole(template), parse_template(template)
    if isinstance(expected, int):
        place = PLACE.match(found.error or "")
        assert place, found.error
        before = template[:expected]
        assert int(place.group(1)) == before.count("\n") + 1
        column = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2 + 1
        assert int(place.group(2)) == column
        assert before.endswith(place.group(3))
    else:
        assert found.error is None
        assert found.tokens == expected
        _check_text(expected)
    assert parse_continuing(template).tokens == read_continuing(template)


def _check_text(tokens: tuple[Token, ...]) -> None:
    """The text of what was read says the same again, unless it holds what has no such text.

    Sums lose their keyword, quotes in quotes their backslashes, an empty `else` is left out, and
    variables named `if` or `elseif x` look like what opens a branch once branches are exchanged.
    """
    text = "".join(map(token_text, tokens))
    again = parse_template(text)
    if again.error is None and not AMBIGUOUS.search(text) and not _loses_signs(tokens):
        assert "".join(map(token_text, again.tokens)) == text


def _loses_signs(part: object) -> bool:
    match part:
        case tuple():
            return any(map(_loses_signs, part))
        case Calculation():
            return True
        case Identifier(text=text) if OPENING.match(text):
            return True
        case FilterCall(options=options) if any(map(_is_quoting, options)):
            return True
        case Comparison(right=right) if _is_quoting(right):
            return True
    return is_dataclass(part) and any(
        _loses_signs(getattr(part, each.name)) for each in fields(part)
    )


def _is_quoting(part: object) -> bool:
    return isinstance(part, Text) and re.search('["#]', part.text) is not None


def _is_plainly_so(template: str, values: dict[str, str]) -> bool:
    """Compare with the plain way; a template that cannot be read or takes too long is left out."""
    tokens = read_whole(template)
    if isinstance(tokens, int) or not is_template(template):
        return False
    try:
        expected: object = Plain(values, BOUNDED).evaluate(tokens)
    except (TooMuch, RecursionError):
        return False
    except LanguageError as error:
        expected = type(error)
    found = _found(template, values)
    assert found in (expected, LimitExceeded)
    return found is not LimitExceeded


def _found(template: str, values: dict[str, str]) -> object:
    try:
        result = _evaluate(template, VariableSet(values), halts=True)
    except LanguageError as error:
        return type(error)
    return result.text, result.missing, result.is_null


def _ends(template: str, values: dict[str, str], *, halts: bool) -> str:
    variables = VariableSet(values)
    try:
        result = _evaluate(template, variables, halts=halts)
    except LanguageError as error:
        with pytest.raises(LanguageError, match=re.escape(str(error)[:60])):
            _evaluate(template, VariableSet(values), halts=halts)
        return "raised"
    # What the set remembers changes nothing, and the tree says what the names alone say.
    assert result == _evaluate(template, variables, halts=halts)
    through_tree = VariableSet(values)
    through_tree.leaf = lambda key: None  # type: ignore[method-assign]  # noqa: ARG005
    assert result == _evaluate(template, through_tree, halts=halts)
    if result.error is not None:
        assert halts
        assert result.text == template
    assert bool(result.errors) is bool(result.error or result.missing)
    return "evaluated"


def _evaluate(template: str, variables: VariableSet, *, halts: bool) -> Evaluation:
    return evaluate(template, variables, halt_on_error=halts, environment=BOUNDED)
