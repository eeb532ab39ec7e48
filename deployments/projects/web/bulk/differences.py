"""What a text of variables would change in those that are stored; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deployments.library.services import VariableInput


@dataclass(frozen=True, slots=True)
class Change:
    """What a text would do to one value: `act` is Added, Changed or Removed.

    `old_scope` is None where the scope stays.
    """

    act: str
    name: str
    scope: Mapping[str, Sequence[str]]
    old: str
    new: str
    old_scope: Mapping[str, Sequence[str]] | None = None


def joined(
    stored: Sequence[VariableInput], sent: Sequence[VariableInput], *, keeps_others: bool
) -> list[VariableInput]:
    """Return what the set would hold: values of the same name and scope stay the same values.

    So does a secret whose scope alone was changed, as nobody could write it anew.
    """
    places: dict[Any, list[int]] = {}
    for number, each in enumerate(stored):
        places.setdefault(_key(each), []).append(number)
    found, taken = [], {}
    for each in sent:
        same = places.get(_key(each), [])
        if same:
            number = same.pop(0)
            each = replace(each, id=stored[number].id)  # noqa: PLW2901 the same with its id
            taken[number] = each
        found.append(each)
    if not keeps_others:
        return _with_moved_secrets(stored, found)
    new = [each for each in found if not each.id]
    return [taken.get(number, each) for number, each in enumerate(stored)] + new


def _with_moved_secrets(
    stored: Sequence[VariableInput], found: Sequence[VariableInput]
) -> list[VariableInput]:
    """Let a secret that is null under a scope of its own be the one left over of that name."""
    named = {each.id for each in found}
    left = {each.id: each.name.lower() for each in stored if each.is_sensitive}
    left = {id_: name for id_, name in left.items() if id_ not in named}
    wanting = Counter(each.name.lower() for each in found if _lacks_its_secret(each))
    moved = {
        name: id_
        for id_, name in left.items()
        if wanting[name] == 1 and list(left.values()).count(name) == 1
    }
    return [
        replace(each, id=moved.get(each.name.lower(), "")) if _lacks_its_secret(each) else each
        for each in found
    ]


def _lacks_its_secret(each: VariableInput) -> bool:
    return each.is_sensitive and each.value is None and not each.id


def changes(before: Sequence[VariableInput], after: Sequence[VariableInput]) -> list[Change]:
    """Return what is added, changed and removed, in the order of names."""
    old = {each.id: each for each in before}
    kept = {each.id for each in after if each.id}
    found = [
        Change("Removed", each.name, each.scope, _shown(each), "")
        for each in before
        if each.id not in kept
    ]
    for each in after:
        was = old.get(each.id)
        if was is None:
            found.append(Change("Added", each.name, each.scope, "", _shown(each)))
        elif _key(was) != _key(each) or _told(was) != _told(each):
            old_scope = was.scope if _key(was) != _key(each) else None
            texts = _shown(was), _shown(each)
            found.append(Change("Changed", each.name, each.scope, *texts, old_scope))
    return sorted(found, key=lambda change: change.name.lower())


def count_of(found: Iterable[Change]) -> str:
    """Return how many of each kind, in words."""
    counts = Counter(change.act.lower() for change in found)
    return ", ".join(f"{number} {act}" for act, number in sorted(counts.items()))


def _key(each: VariableInput) -> Any:
    scope = {
        name: frozenset(value.lower() for value in values)
        for name, values in each.scope.items()
        if values
    }
    return each.name.lower(), frozenset(scope.items())


def _shown(each: VariableInput) -> str:
    if not each.is_sensitive:
        return each.value or ""
    if _lacks_its_secret(each):
        return "no secret yet"
    return "a secret" if each.value is None else "a new secret"


def _told(each: VariableInput) -> Any:
    prompt = dict(each.prompt) if each.prompt else None
    is_new = each.is_sensitive and each.value is not None
    value = None if each.is_sensitive else each.value or ""
    return each.name, value, is_new, each.kind, each.is_sensitive, each.description, prompt
