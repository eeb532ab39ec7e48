"""Read JSON as people write it: comments, single quotes, bare names, what JavaScript also allows.

The rules are those of the language's origin (Newtonsoft's reader with its defaults).
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn

from agent.language.characters import SPACES, whole_characters
from agent.language.json_values.dates import date_of
from agent.language.json_values.writing import Comment, Json, Source, compact

MAX_DEPTH: Final = 64


_BETWEEN: Final = re.compile(rf"(?:[{SPACES}]++|/\*(?:[^*]|\*(?!/))*+\*/|//(?!\Z)[^\r\n]*+)*+")
_BLANKS: Final = re.compile(rf"[{SPACES}]*")
_COMMENT: Final = re.compile(r"/\*((?:[^*]|\*(?!/))*+)\*/|//(?!\Z)([^\r\n]*+)")
_NUMBER: Final = re.compile(r"[-.0-9][-+.xX0-9a-fA-F]*")
_NUMBER_END: Final = re.compile(rf"[{SPACES},\]}})/]|\Z")
_DECIMAL: Final = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_OCTAL: Final = re.compile(r"0[0-7]+")
_HEXADECIMAL: Final = re.compile(r"0[xX][0-9a-fA-F]+")
_WORD: Final = re.compile(r"-?[A-Za-z]+")
_PLAIN_TEXT: Final = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_UNIT: Final = re.compile(r"u([0-9a-fA-F]{4})")
_ESCAPES: Final = {
    "b": "\b",
    "t": "\t",
    "n": "\n",
    "f": "\f",
    "r": "\r",
    "\\": "\\",
    '"': '"',
    "'": "'",
    "/": "/",
}
_WORDS: Final[dict[str, Json]] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": None,
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}
_LONGEST_NUMBER: Final = 400
_BITS: Final = 64
_MOST_NUMBERS_OF_DATE: Final = 7
_LONGEST_LOOSE: Final = 400_000


def _object(members: list[tuple[str, Json]]) -> dict[str, Json]:
    """Return the members; one said again moves to the end."""
    found = dict(members)
    if len(found) < len(members):
        found.clear()
        for name, value in members:
            found.pop(name, None)
            found[name] = value
    return found


_DECODER: Final = json.JSONDecoder(strict=False, object_pairs_hook=_object)


def read_json(text: str) -> Json:
    """Read one value with nothing after it. Raises ValueError."""
    try:
        value: Json = _DECODER.decode(text)
    except ValueError:
        # Ours takes a second for what the library reads in some milliseconds.
        if len(text) > _LONGEST_LOOSE:
            raise
        return _Reader(text).whole()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    # Seldom true, and quickly ruled out.
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ValueError("nested too deeply")
    return value


def _depth(value: Json) -> int:
    deepest, pending = 0, [(value, 0)]
    while pending:
        each, depth = pending.pop()
        if isinstance(each, (dict, list)):
            deepest = max(deepest, depth + 1)
            inner = each.values() if isinstance(each, dict) else each
            pending.extend((member, depth + 1) for member in inner)
    return deepest


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        # In arrays of an array they are elements, in those of an object they are not.
        self.keeps_comments = False

    def whole(self) -> Json:
        self.skip()
        self.keeps_comments = self.peek() == "["
        value = self.value()
        self.skip()
        if self.at < len(self.text):
            self.fail()
        return value

    def fail(self) -> NoReturn:
        raise ValueError(f"not JSON at {self.at}")

    def skip(self) -> None:
        self.at = _end_of(_BETWEEN, self.text, self.at)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, char: str) -> bool:
        if not self.text.startswith(char, self.at):
            return False
        self.at += len(char)
        return True

    def value(self) -> Json:
        char = self.peek()
        if char in ("{", "["):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.fail()
            self.at += 1
            found: Json = self.members() if char == "{" else self.elements("]")
            self.depth -= 1
            return found
        if char in ('"', "'"):
            return self.string()
        word = _WORD.match(self.text, self.at)
        if word is not None:
            return self.word(word.group())
        return self.number()

    def members(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        while True:
            self.skip()
            if self.take("}"):
                return found
            name = self.string() if self.peek() in ('"', "'") else self.bare_name()
            self.at = _end_of(_BLANKS, self.text, self.at)
            if not self.take(":"):
                self.fail()
            self.skip()
            value = None if self.peek() == "," else self.value()
            # Said again, a name moves to the end.
            found.pop(name, None)
            found[name] = value
            self.skip()
            if not self.take(",") and self.peek() != "}":
                self.fail()

    def bare_name(self) -> str:
        start = self.at
        while (char := self.peek()) and (char.isalnum() or char in "_$"):
            self.at += 1
        if self.at == start:
            self.fail()
        return self.text[start : self.at]

    def elements(self, end: str) -> list[Json]:
        found: list[Json] = []
        while True:
            found.extend(self.comments())
            if self.take(end):
                return found
            found.append(None if self.peek() == "," else self.value())
            found.extend(self.comments())
            if not self.take(",") and self.peek() != end:
                self.fail()

    def comments(self) -> list[Json]:
        """Step over what is between, and return the comments in it that count."""
        start = self.at
        self.skip()
        if not self.keeps_comments:
            return []
        return [
            Comment(block or line) for block, line in _COMMENT.findall(self.text, start, self.at)
        ]

    def string(self) -> str:
        quote = self.peek()
        self.at += 1
        pieces: list[str] = []
        while True:
            plain = _PLAIN_TEXT[quote].match(self.text, self.at)
            if plain is not None:
                pieces.append(plain.group())
                self.at = plain.end()
            if self.take(quote):
                # Two escapes may have been halves of one character.
                return whole_characters("".join(pieces))
            pieces.append(self.escape())

    def escape(self) -> str:
        self.at += 1
        unit = _UNIT.match(self.text, self.at)
        if unit is not None:
            self.at = unit.end()
            return chr(int(unit.group(1), 16))
        char = _ESCAPES.get(self.peek())
        if char is None:
            self.fail()
        self.at += 1
        return char

    def word(self, word: str) -> Json:
        if word == "new":
            self.at += len(word)
            return self.constructor()
        if word not in _WORDS:
            self.fail()
        self.at += len(word)
        if not _NUMBER_END.match(self.text, self.at):
            self.fail()
        return _WORDS[word]

    def constructor(self) -> Json:
        self.skip()
        name = self.bare_name()
        self.skip()
        if not self.take("("):
            self.fail()
        arguments = self.elements(")")
        if name != "Date":
            return Source(f"new {name}({','.join(map(compact, arguments))})")
        numbers = [each for each in arguments if isinstance(each, int)]
        if not 0 < len(numbers) == len(arguments) <= _MOST_NUMBERS_OF_DATE:
            self.fail()
        return date_of(numbers)

    def number(self) -> int | float:
        found = _NUMBER.match(self.text, self.at)
        if found is None or len(found.group()) > _LONGEST_NUMBER:
            self.fail()
        self.at = found.end()
        if not _NUMBER_END.match(self.text, self.at):
            self.fail()
        return _number(found.group())


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _number(digits: str) -> int | float:
    if len(digits) > 1 and digits[0] == "0" and digits[1] not in ".eE":
        for pattern, base in ((_HEXADECIMAL, 16), (_OCTAL, 8)):
            if pattern.fullmatch(digits) and (value := int(digits, base)) < 1 << _BITS:
                # As many bits as the origin has, the first of which is the sign.
                return value - (1 << _BITS) if value >> (_BITS - 1) else value
        raise ValueError(f"not a number: {digits}")
    if not _DECIMAL.fullmatch(digits):
        raise ValueError(f"not a number: {digits}")
    return float(digits) if set(digits) & set(".eE") else int(digits)
