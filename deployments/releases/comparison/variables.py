"""What differs between a project's variables at two times."""

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.access.grants import load_grants
from deployments.base.actor import Actor
from deployments.base.secrets import Secret
from deployments.library.models import variable_place
from deployments.library.queries import may_view, variables_of
from deployments.library.values import (
    VariableDocument,
    candidate_of,
    document_of,
    open_candidate,
)
from deployments.projects.models import Project
from deployments.releases.models import Release


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs. A sensitive one shows no text, only that it changed."""

    name: str
    scope: dict[str, list[str]]
    old: str | None
    new: str | None
    was: bool
    is_now: bool
    is_sensitive: bool


def changed_variables(actor: Actor, release: Release) -> list[Change]:
    """Return the differences that the actor may see, by name."""
    variable_set = release.project.variable_set
    if variable_set is None:
        return []
    snapshot = release.variable_snapshot
    if snapshot.owner_id == variable_set.public_id and snapshot.version == variable_set.version:
        return []
    now = [document_of(row) for row in variables_of(variable_set)]
    return differing_variables(actor, release.project, snapshot.variables, now)


def differing_variables(
    actor: Actor,
    project: Project,
    before: Iterable[VariableDocument],
    after: Iterable[VariableDocument],
) -> list[Change]:
    """Return what differs between two states of the project's variables, by name."""
    variable_set = project.variable_set
    if variable_set is None:
        return []
    grants = load_grants(actor, project.space)
    then, now = _by_key(before), _by_key(after)
    changes = []
    for key in sorted(then.keys() | now.keys()):
        old, new = then.get(key), now.get(key)
        shown = new or then[key]
        if not may_view(grants, shown["scope"], variable_set):
            continue
        if old and new and _same(old, new, variable_set.public_id):
            continue
        changes.append(_change(old, new, shown))
    return changes


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
    if old["is_sensitive"] != new["is_sensitive"] or old["kind"] != new["kind"]:
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
    )
