"""What differs between two processes, step by step; pure. Secrets only say that they changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import Any, Final

from deployments.projects.process.shape import is_sealed

_WITHOUT_MEANING: Final = frozenset({"Id", "Slug", "Links", "Actions", "LastSnapshotId"})
_DOTS: Final = "••••••"
_CONTEXT: Final = 2
# Pairs of lines: unlike texts take time by their product.
_MOST_PAIRS: Final = 250_000
_PREFIXES: Final = ("Octopus.Action.", "Octopus.Step.")


@dataclass(frozen=True, slots=True)
class PartChange:
    """A setting that differs; None is one that is not there.

    For texts of several lines `lines` has the difference: pairs of sign (`+`, `-`, blank) and text.
    """

    label: str
    old: str | None
    new: str | None
    is_secret: bool = False
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step that was added, removed, moved or changed."""

    name: str
    kind: str
    parts: tuple[PartChange, ...] = ()
    old_position: int = 0
    new_position: int = 0


def changed_steps(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> list[StepChange]:
    """Return the differences in the order of the new steps, removed ones last.

    Steps are the same by id, else by name. One that only stands elsewhere among those that both
    processes have has `moved`.
    """
    pairs = _paired(old, new)
    places = {id(step): number for number, step in enumerate(old, start=1)}
    stays = _in_order([(name, places[id(was)]) for name, was, now in pairs if was and now])
    changes = []
    for position, (name, before, after) in enumerate(pairs, start=1):
        if before is None or after is None:
            kind = "added" if before is None else "removed"
            changes.append(StepChange(name, kind))
            continue
        parts = tuple(_parts(before, after))
        if parts or name not in stays:
            kind = "changed" if parts else "moved"
            changes.append(StepChange(name, kind, parts, places[id(before)], position))
    return changes


def settings_of(step: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a step and its actions have set, with labels; secrets as dots."""
    actions = step.get("Actions") or ()
    found = [(_label(path), value) for path, value in _flat(step, "") if path != "Name"]
    for action in actions:
        start = "" if len(actions) == 1 else f"{action.get('Name', '')}: "
        found += [(start + _label(path), value) for path, value in _flat(action, "")]
    return [
        (label, _DOTS if is_sealed(value) else _text(value) or "")
        for label, value in found
        if label != "Name" or value != step.get("Name")
    ]


def _in_order(common: Sequence[tuple[str, int]]) -> set[str]:
    """Return the steps that kept their order; the rest was moved."""
    names = [name for name, _ in common]
    earlier = [name for name, _ in sorted(common, key=lambda each: each[1])]
    blocks = SequenceMatcher(None, earlier, names, autojunk=False).get_matching_blocks()
    return {names[block.b + offset] for block in blocks for offset in range(block.size)}


def _paired(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> list[tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None]]:
    by_id = {step.get("Id"): step for step in old if step.get("Id")}
    by_name = {str(step.get("Name", "")).lower(): step for step in old}
    used: set[int] = set()
    pairs: list[tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None]] = []
    for step in new:
        before = by_id.get(step.get("Id")) or by_name.get(str(step.get("Name", "")).lower())
        if before is not None and id(before) in used:
            before = None
        if before is not None:
            used.add(id(before))
        pairs.append((str(step.get("Name", "")), before, step))
    pairs += [(str(step.get("Name", "")), step, None) for step in old if id(step) not in used]
    return pairs


def _parts(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[PartChange]:
    before, after = dict(_flat(old, "")), dict(_flat(new, ""))
    yield from _differences(before, after, "")
    old_actions, new_actions = old.get("Actions") or (), new.get("Actions") or ()
    is_single = len(old_actions) == len(new_actions) == 1
    for name, action_before, action_after in _paired(old_actions, new_actions):
        start = "" if is_single else f"{name}: "
        if action_before is None or action_after is None:
            was, now = (None, "added") if action_before is None else ("removed", None)
            yield PartChange(f"{start or name}action", was, now)
            continue
        flat_before, flat_after = dict(_flat(action_before, "")), dict(_flat(action_after, ""))
        if is_single and before.get("Name") == flat_before.get("Name"):
            flat_before.pop("Name", None)
            flat_after.pop("Name", None)
        yield from _differences(flat_before, flat_after, start)


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], start: str
) -> Iterator[PartChange]:
    for key in dict.fromkeys((*new, *old)):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        label = start + _label(key)
        if is_sealed(before) or is_sealed(after):
            yield PartChange(label, _hidden(before), _hidden(after), is_secret=True)
            continue
        texts = (_text(before), _text(after))
        yield PartChange(label, *texts, lines=_lines(*texts))


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the leaves by their path; what is empty counts as not there."""
    if isinstance(value, Mapping) and not is_sealed(value):
        for name, entry in value.items():
            if name not in _WITHOUT_MEANING:
                yield from _flat(entry, f"{path} / {name}" if path else str(name))
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        for number, entry in enumerate(value, start=1):
            yield from _flat(entry, f"{path} {number}")
    elif value not in (None, "", [], (), {}):
        yield path, value


def _label(path: str) -> str:
    text = path.removeprefix("Properties / ")
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    return text


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return str(value)


def _hidden(value: Any) -> str | None:
    return None if value is None else _DOTS


def _lines(old: str | None, new: str | None) -> tuple[tuple[str, str], ...]:
    """Return the changed lines with what is around them; none when comparing takes too long."""
    before, after = (old or "").splitlines(), (new or "").splitlines()
    if max(len(before), len(after)) < 2:  # noqa: PLR2004 several
        return ()
    start, end = _common(before, after), _common(before[::-1], after[::-1])
    end = min(end, len(before) - start, len(after) - start)
    first, last = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    before, after = before[first : len(before) - last], after[first : len(after) - last]
    if len(before) * len(after) > _MOST_PAIRS:
        return ()
    found = list(unified_diff(before, after, n=_CONTEXT, lineterm=""))[2:]
    return tuple(("@" if line.startswith("@@") else line[0], line[1:]) for line in found)


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines both begin with."""
    for number, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return number
    return min(len(old), len(new))
