"""Small parsers, and what makes larger ones of them; each place is read once.

A parser says where it ended, or where it failed: what follows is sought from there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass
class Reading:
    """A text, and what was found at its places so far."""

    text: str
    known: dict[tuple[int, int], "Result"] = field(default_factory=dict)


class Result(NamedTuple):
    """Whether it was read, and where that ended; where it failed if it was not."""

    ok: bool
    at: int
    value: Any = None


Parser = Callable[[Reading, int], Result]


def char(accepts: Callable[[str], bool]) -> Parser:
    def parse(reading: Reading, at: int) -> Result:
        here = reading.text[at : at + 1]
        return Result(True, at + 1, here) if here and accepts(here) else Result(False, at)

    return parse


def literal(word: str, *, ignore_case: bool = False) -> Parser:
    def parse(reading: Reading, at: int) -> Result:
        for offset, wanted in enumerate(word):
            here = reading.text[at + offset : at + offset + 1]
            if (here.lower() if ignore_case else here) != wanted:
                return Result(False, at + offset)
        return Result(True, at + len(word), word)

    return parse


def seq(*parts: Parser, to: Callable[..., Any] = lambda *values: values) -> Parser:
    def parse(reading: Reading, at: int) -> Result:
        values = []
        for part in parts:
            found = part(reading, at)
            if not found.ok:
                return found
            at = found.at
            values.append(found.value)
        return Result(True, at, to(*values))

    return parse


def _best(first: Result, second: Result) -> Result:
    return second if second.ok or second.at > first.at else first


def either(*options: Parser) -> Parser:
    """The first that reads something; none of them: the failure that came furthest."""

    def parse(reading: Reading, at: int) -> Result:
        found = options[0](reading, at)
        for option in options[1:]:
            if found.ok and found.at > at:
                return found
            other = option(reading, at)
            found = found if found.ok and not other.ok else _best(found, other)
        return found

    return parse


def committed(first: Parser, second: Parser) -> Parser:
    """The second only if the first failed at its very beginning."""

    def parse(reading: Reading, at: int) -> Result:
        found = first(reading, at)
        if found.at > at:
            return found
        other = second(reading, at)
        return found if found.ok and not other.ok else _best(found, other)

    return parse


def many(part: Parser, *, least: int = 0) -> Parser:
    def parse(reading: Reading, at: int) -> Result:
        values: list[Any] = []
        while True:
            found = part(reading, at)
            if not found.ok and len(values) < least:
                return found
            if not found.ok or found.at == at:
                return Result(True, at, values)
            values.append(found.value)
            at = found.at

    return parse


def optional(part: Parser) -> Parser:
    def parse(reading: Reading, at: int) -> Result:
        found = part(reading, at)
        return found if found.ok else Result(True, at)

    return parse


def unless(part: Parser, excepted: Parser) -> Parser:
    def parse(reading: Reading, at: int) -> Result:
        return Result(False, at) if excepted(reading, at).ok else part(reading, at)

    return parse


def where(part: Parser, holds: Callable[[Any], bool]) -> Parser:
    def parse(reading: Reading, at: int) -> Result:
        found = part(reading, at)
        return Result(False, at) if found.ok and not holds(found.value) else found

    return parse


def mapped(part: Parser, to: Callable[[Any, int], Any]) -> Parser:
    """Change the value, knowing where it began."""

    def parse(reading: Reading, at: int) -> Result:
        found = part(reading, at)
        return Result(True, found.at, to(found.value, at)) if found.ok else found

    return parse


def rule(give: Callable[[], Parser]) -> Parser:
    """A rule that may be used before it is written; asked once for each place."""

    def parse(reading: Reading, at: int) -> Result:
        key = (id(parse), at)
        if key not in reading.known:
            reading.known[key] = give()(reading, at)
        return reading.known[key]

    return parse
