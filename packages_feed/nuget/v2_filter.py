"""The part of OData's `$filter` language that NuGet clients use, turned into a query."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from agent.versions import Version
from deployments.base.errors import Invalid

MOST_CHARACTERS = 4096
MOST_DEPTH = 20
EVERYTHING = ~Q(pk__in=[])
NOTHING = Q(pk__in=[])

_TOKEN = re.compile(
    r"\s*(?:(?P<date>datetime'[^']*')|(?P<text>'(?:[^']|'')*')|(?P<number>-?[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark>[(),]))"
)
_OPERATORS = {"eq": "", "ne": "", "gt": "__gt", "ge": "__gte", "lt": "__lt", "le": "__lte"}
_TEXTS = {
    "title": "title",
    "description": "description",
    "tags": "tags",
    "authors": "metadata__authors",
}
_DATES = {"published", "created", "lastupdated"}
_FLAGS = {"islatestversion", "isabsolutelatestversion", "isprerelease", "listed"}
_TRANSPARENT = {"tolower", "toupper", "trim"}
_MATCHES = {"substringof": "contains", "startswith": "startswith", "endswith": "endswith"}

Flag = Callable[[str], Q]


@dataclass(frozen=True)
class _Literal:
    value: Any


@dataclass(frozen=True)
class _Property:
    name: str


_Operand = _Literal | _Property | Q


def parse_filter(text: str, flag: Flag) -> Q:
    """Return the query for a filter; raises Invalid.

    `flag` gives the query for a property that says yes or no, by its lower-case name. Texts are
    compared ignoring case.
    """
    if len(text) > MOST_CHARACTERS:
        raise Invalid("The $filter is too long.")
    parser = _Parser(_tokens(text), flag)
    query = parser.either(0)
    parser.expect_end()
    return query


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise Invalid("The $filter cannot be read.")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], flag: Flag) -> None:
        self._tokens = tokens
        self._flag = flag
        self._place = 0

    def either(self, depth: int) -> Q:
        if depth > MOST_DEPTH:
            raise Invalid("The $filter is nested too deeply.")
        query = self._both(depth)
        while self._take_name("or"):
            query = query | self._both(depth)
        return query

    def expect_end(self) -> None:
        if self._place != len(self._tokens):
            raise Invalid("The $filter cannot be read.")

    def _both(self, depth: int) -> Q:
        query = self._single(depth)
        while self._take_name("and"):
            query = query & self._single(depth)
        return query

    def _single(self, depth: int) -> Q:
        negated = False
        while self._take_name("not"):
            negated = not negated
        query = self._condition(depth)
        return ~query if negated else query

    def _condition(self, depth: int) -> Q:
        left = self._operand(depth)
        kind, text = self._peek()
        if kind == "name" and text.lower() in _OPERATORS:
            self._place += 1
            return self._compared(left, text.lower(), self._operand(depth))
        return self._truth(left)

    def _operand(self, depth: int) -> _Operand:
        kind, text = self._peek()
        self._place += 1
        if kind == "mark" and text == "(":
            query = self.either(depth + 1)
            self._expect(")")
            return query
        if kind == "text":
            return _Literal(text[1:-1].replace("''", "'"))
        if kind == "number":
            return _Literal(float(text))
        if kind == "date":
            return _Literal(_moment(text[len("datetime'") : -1]))
        if kind != "name":
            raise Invalid("The $filter cannot be read.")
        return self._named(text.lower(), depth)

    def _named(self, name: str, depth: int) -> _Operand:
        constants = {"true": True, "false": False, "null": None}
        if name in constants:
            return _Literal(constants[name])
        if self._peek() != ("mark", "("):
            return _Property(name)
        if depth > MOST_DEPTH:
            raise Invalid("The $filter is nested too deeply.")
        self._place += 1
        arguments = [self._operand(depth + 1)]
        while self._peek() == ("mark", ","):
            self._place += 1
            arguments.append(self._operand(depth + 1))
        self._expect(")")
        return _called(name, arguments)

    def _compared(self, left: _Operand, operator: str, right: _Operand) -> Q:
        if isinstance(left, _Literal) and not isinstance(right, _Literal):
            mirrored = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
            left, operator, right = right, mirrored.get(operator, operator), left
        if not isinstance(right, _Literal):
            raise Invalid("The $filter compares what cannot be compared.")
        if isinstance(right.value, bool):
            same = (operator == "eq") == right.value
            query = self._truth(left)
            return query if same else ~query
        if not isinstance(left, _Property):
            raise Invalid("The $filter compares what cannot be compared.")
        return _comparison(left.name, operator, right.value)

    def _truth(self, operand: _Operand) -> Q:
        if isinstance(operand, Q):
            return operand
        if isinstance(operand, _Property) and operand.name in _FLAGS:
            return self._flag(operand.name)
        if isinstance(operand, _Literal) and isinstance(operand.value, bool):
            return EVERYTHING if operand.value else NOTHING
        raise Invalid("The $filter has no condition where one is needed.")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("", "")

    def _take_name(self, name: str) -> bool:
        kind, text = self._peek()
        if kind == "name" and text.lower() == name:
            self._place += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if self._peek() != ("mark", mark):
            raise Invalid("The $filter cannot be read.")
        self._place += 1


def _called(name: str, arguments: list[_Operand]) -> _Operand:
    if name in _TRANSPARENT and len(arguments) == 1:
        (only,) = arguments
        return _Literal(str(only.value).lower()) if isinstance(only, _Literal) else only
    if name in _MATCHES and len(arguments) == 2:  # noqa: PLR2004
        part, whole = arguments if name == "substringof" else reversed(arguments)
        if isinstance(part, _Literal) and isinstance(whole, _Property):
            return _match(whole.name, _MATCHES[name], str(part.value))
    raise Invalid(f"The $filter's function {name[:40]} is not supported that way.")


def _match(name: str, how: str, text: str) -> Q:
    if name == "id":
        return Q(**{f"id_lower__{how}": text.lower()})
    if name == "tags":
        # Clients look for ` word `; the list itself has no blanks around it.
        return Q(**{f"tags__i{how}": text.strip()})
    if name in _TEXTS:
        return Q(**{f"{_TEXTS[name]}__i{how}": text})
    raise Invalid(f"The $filter cannot search {name[:40]}.")


def _comparison(name: str, operator: str, value: Any) -> Q:
    if value is None:
        return EVERYTHING if operator == "ne" else NOTHING
    if name in {"id", "packageid"}:
        return _ordered("id_lower", operator, str(value).lower())
    if name in {"version", "normalizedversion"}:
        version = Version.try_parse(str(value))
        if version is None:
            return EVERYTHING if operator == "ne" else NOTHING
        return _ordered("version_key", operator, version.sort_key)
    if name in _TEXTS and operator in {"eq", "ne"}:
        query = Q(**{f"{_TEXTS[name]}__iexact": str(value)})
        return query if operator == "eq" else ~query
    if name in _DATES and isinstance(value, datetime):
        return _ordered("published", operator, value)
    if name in {"downloadcount", "versiondownloadcount"} and isinstance(value, float):
        return EVERYTHING if _no_downloads(operator, value) else NOTHING
    raise Invalid(f"The $filter cannot compare {name[:40]}.")


def _ordered(column: str, operator: str, value: Any) -> Q:
    query = Q(**{f"{column}{_OPERATORS[operator]}": value})
    return ~query if operator == "ne" else query


def _no_downloads(operator: str, value: float) -> bool:
    """Compare 0, the number of downloads, with the value: the feed does not count them."""
    return {
        "eq": value == 0,
        "ne": value != 0,
        "gt": value < 0,
        "ge": value <= 0,
        "lt": value > 0,
        "le": value >= 0,
    }[operator]


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise Invalid("The $filter has a date that cannot be read.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
