"""Variables that nothing names, and names that no variable has; advice, nothing is evaluated."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agent.language.checking import check_template


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
    waiting = set(stems.values())
    for place in places:
        text = place.text.lower()
        waiting -= {stem for stem in waiting if stem in text and _stands_in(stem, text)}
    return sorted((name for name, stem in stems.items() if stem in waiting), key=str.lower)


def _stands_in(stem: str, text: str) -> bool:
    """Tell whether a name stands in a text by itself, and not as a part of a longer word."""
    at = text.find(stem)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(stem) : at + len(stem) + 1]
        if not _goes_on(before) and before != "." and not _goes_on(after):
            return True
        at = text.find(stem, at + 1)
    return False


def _goes_on(character: str) -> bool:
    return character.isalnum() or character == "_"
