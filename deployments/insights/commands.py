"""What people type to do something: "deploy web to staging", "go to tasks"; pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LONGEST: Final = 200
# A name may have the word in it that parts subject and place; so many ways are tried.
_MOST_READINGS: Final = 3


class Verb(StrEnum):
    """What is to be done."""

    DEPLOY = "deploy"
    CREATE = "create"
    RUN = "run"
    GO = "go"


@dataclass(frozen=True, slots=True)
class Reading:
    """What it is to be done with, and where; the place may be left open."""

    subject: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A verb with its possible readings, the likeliest first; none while nothing is named yet."""

    verb: Verb
    readings: tuple[Reading, ...] = ()


# The longer words come first; after them the word that parts a place.
_VERBS: Final = (
    ("create release", Verb.CREATE, ""),
    ("new release", Verb.CREATE, ""),
    ("run runbook", Verb.RUN, "in"),
    ("promote", Verb.DEPLOY, "to"),
    ("deploy", Verb.DEPLOY, "to"),
    ("run", Verb.RUN, "in"),
    ("go to", Verb.GO, ""),
    ("goto", Verb.GO, ""),
    ("open", Verb.GO, ""),
)
_FILLERS: Final = re.compile(r"(?:of|for)\s", re.IGNORECASE)


def parse_command(text: str) -> Command | None:
    """Return what the text asks for; None when it begins with no verb."""
    said = " ".join(text[:_LONGEST].split())
    for words, verb, part in _VERBS:
        if said.lower() == words:
            return Command(verb)
        if said.lower().startswith(f"{words} "):
            rest = said[len(words) + 1 :]
            if verb is Verb.CREATE:
                rest = _FILLERS.sub("", rest, count=1) if _FILLERS.match(rest) else rest
            return Command(verb, tuple(_readings(rest, part)))
    return None


def _readings(rest: str, part: str) -> list[Reading]:
    if not part:
        return [Reading(rest)]
    if rest.lower().endswith(f" {part}"):
        rest = rest[: -len(part) - 1]
    found: list[Reading] = []
    end = len(rest)
    while len(found) < _MOST_READINGS and (at := rest.lower().rfind(f" {part} ", 0, end)) > 0:
        found.append(Reading(rest[:at], rest[at + len(part) + 2 :]))
        end = at + 1
    return [*found, Reading(rest)]
