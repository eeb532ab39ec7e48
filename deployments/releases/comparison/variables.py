"""What differs between a project's variables at two times."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from deployments.access.grants import Grants, load_grants
from deployments.base.actor import Actor
from deployments.base.secrets import Secret
from deployments.library.models import VariableSet, variable_place
from deployments.library.queries import may_view, variables_of
from deployments.library.values import (
    VariableDocument,
    candidate_of,
    document_of,
    open_candidate,
)
from deployments.projects.models import Project
from deployments.projects.queries import included_sets
from deployments.releases.models import Frozen
from deployments.releases.variables import library_snapshots


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs. A sensitive one shows no text, only that it changed.

    `is_asked_otherwise` says that people are asked for it in another way, or not any more.
    """

    name: str
    scope: dict[str, list[str]]
    old: str | None
    new: str | None
    was: bool
    is_now: bool
    is_sensitive: bool
    is_asked_otherwise: bool = False


@dataclass(frozen=True, slots=True)
class SetState:
    """One variable set at one time; its values are read only when the version differs."""

    version: int
    read: Callable[[], Sequence[VariableDocument]]


# By the public id of the set: the project's own comes first, then those of the library.
States = Mapping[str, SetState]


def changed_variables(actor: Actor, frozen: Frozen) -> list[Change]:
    """Return the differences that the actor may see between what was frozen and now, by name."""
    return differing_variables(
        actor, frozen.project, states_of_frozen(frozen), states_now(frozen.project)
    )


def states_of_frozen(frozen: Frozen) -> States:
    """Return what a release, or the snapshot of a runbook, froze."""
    rows = [frozen.variable_snapshot, *library_snapshots(frozen)]
    return {row.owner_id: SetState(row.version, partial(list, row.variables)) for row in rows}


def states_now(project: Project) -> States:
    """Return what the project has and includes now."""
    sets = [project.variable_set] if project.variable_set else []
    sets += [row.values for row in included_sets(project)]
    return {row.public_id: SetState(row.version, partial(_documents, row)) for row in sets}


def _documents(variable_set: VariableSet) -> list[VariableDocument]:
    return [document_of(row) for row in variables_of(variable_set)]


def differing_variables(
    actor: Actor, project: Project, before: States, after: States
) -> list[Change]:
    """Return what differs between two states of the project's variables, by name."""
    grants = load_grants(actor, project.space)
    changes: list[Change] = []
    for owner in {**before, **after}:
        then, now = before.get(owner), after.get(owner)
        if then and now and then.version == now.version:
            continue
        variable_set = VariableSet(space=project.space, owner_id=owner.partition("-")[2])
        old = then.read() if then else ()
        changes += _differing(grants, variable_set, old, now.read() if now else ())
    return changes


def _differing(
    grants: Grants,
    variable_set: VariableSet,
    before: Iterable[VariableDocument],
    after: Iterable[VariableDocument],
) -> Iterator[Change]:
    then, now = _by_key(before), _by_key(after)
    for key in sorted(then.keys() | now.keys()):
        old, new = then.get(key), now.get(key)
        shown = new or then[key]
        if not may_view(grants, shown["scope"], variable_set):
            continue
        if old and new and _same(old, new, variable_set.public_id):
            continue
        yield _change(old, new, shown)


def _by_key(documents: Iterable[VariableDocument]) -> dict[tuple[str, str, int], VariableDocument]:
    """Index by name, scope and the place among values of the same scope."""
    found: dict[tuple[str, str, int], VariableDocument] = {}
    for document in documents:
        scope = repr(sorted((key, sorted(values)) for key, values in document["scope"].items()))
        number = 0
        while (document["name"].lower(), scope, number) in found:
            number += 1
        found[document["name"].lower(), scope, number] = document
    return found


def _same(old: VariableDocument, new: VariableDocument, owner: str) -> bool:
    if any(old[key] != new[key] for key in ("is_sensitive", "kind", "prompt")):
        return False
    if not old["is_sensitive"]:
        return old["value"] == new["value"]
    return old["sealed"] == new["sealed"] or _opened(old, owner) == _opened(new, owner)


def _opened(document: VariableDocument, owner: str) -> str | None:
    candidate = candidate_of(document, position=0, place=variable_place(owner, document["id"]))
    value = open_candidate(candidate)
    return value.reveal() if isinstance(value, Secret) else value


def _change(
    old: VariableDocument | None, new: VariableDocument | None, shown: VariableDocument
) -> Change:
    return Change(
        name=shown["name"],
        scope=shown["scope"],
        old=old["value"] if old and not old["is_sensitive"] else None,
        new=new["value"] if new and not new["is_sensitive"] else None,
        was=old is not None,
        is_now=new is not None,
        is_sensitive=bool((old and old["is_sensitive"]) or (new and new["is_sensitive"])),
        is_asked_otherwise=bool(old and new and old["prompt"] != new["prompt"]),
    )
