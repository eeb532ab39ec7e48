"""Variables that nothing names, and names that no variable has; advice, nothing is evaluated."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.language.checking import check_template

_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Place:
    """A text that may be a template: what it belongs to, what it is called there, and its page."""

    owner: str
    label: str
    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that looks wrong with the text of a place."""

    place: Place
    words: tuple[str, ...]


def findings_of(places: Iterable[Place], knows: Callable[[str], bool]) -> list[Finding]:
    """Return the places whose texts look wrong; `knows` tells whether a name may have a value."""
    found = ((place, check_template(place.text, knows)) for place in places)
    return [Finding(place, tuple(words)) for place, words in found if words]


def unused(names: Sequence[str], places: Iterable[Place]) -> list[str]:
    """Return the names that stand in none of the texts; of one with an index, what is before it.

    Scripts name variables in other ways than templates, so that the bare name counts.
    """
    stems = {name: name.partition("[")[0].lower() for name in names if name}
    waiting = _Waiting(stems.values())
    for place in places:
        waiting.read(place.text.lower())
    return sorted((name for name, stem in stems.items() if stem in waiting.stems), key=str.lower)


class _Waiting:
    """The names that no text has named yet.

    They are looked for where their first word stands, by their lengths: there may be thousands of
    names and of texts.
    """

    def __init__(self, stems: Iterable[str]) -> None:
        self.stems = set(stems)
        self._lengths: dict[str, set[int]] = {}
        self._without_word = []
        for stem in self.stems:
            if word := _WORD.match(stem):
                self._lengths.setdefault(word[0], set()).add(len(stem))
            else:
                self._without_word.append(stem)

    def read(self, text: str) -> None:
        """Strike out the names that stand in a text by themselves, not in a longer word."""
        for word in _WORD.finditer(text):
            for length in self._lengths.get(word[0], ()):
                self._strike_out(text, word.start(), length)
        for stem in self._without_word:
            at = text.find(stem)
            while at >= 0 and stem in self.stems:
                self._strike_out(text, at, len(stem))
                at = text.find(stem, at + 1)

    def _strike_out(self, text: str, at: int, length: int) -> None:
        before, after = text[at - 1 : at], text[at + length : at + length + 1]
        if before != "." and not _goes_on(before) and not _goes_on(after):
            self.stems.discard(text[at : at + length])


def _goes_on(character: str) -> bool:
    return character.isalnum() or character == "_"
