"""What a release froze: its process and its variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.library.models import LibraryVariableSet, VariableSet
from deployments.library.queries import may_view
from deployments.library.values import VariableDocument
from deployments.projects.step_catalogue import find_step_kind
from deployments.projects.web.rail import project_frame
from deployments.releases.comparison.processes import settings_of
from deployments.releases.models import Release, VariableSetSnapshot
from deployments.releases.variables import library_snapshots
from deployments.releases.web.frames import release_of
from deployments.releases.web.scope_words import scope_words

_ROWS = 100


@dataclass(frozen=True, slots=True)
class FrozenValue:
    """A frozen variable; `library` is the name of the set it came from, empty for the project."""

    document: VariableDocument
    library: str


@require_GET
@page(Permission.ReleaseView)
def release_snapshot(request: PageRequest, project: str, version: str) -> HttpResponse:
    """Show the frozen steps and those of the frozen variables that the reader may see."""
    release = release_of(request, project, version)
    text = request.GET.get("q", "").strip()
    part = page_of(request, _variables(request, release, text), _ROWS)
    values = {
        **project_frame(request, release.project, "Releases"),
        "release": release,
        "process": release.process_snapshot,
        "variables": release.variable_snapshot,
        "steps": [
            (step, _kinds(step), settings_of(step)) for step in release.process_snapshot.steps
        ]
        if allows_on(request.actor, release.project, Permission.ProcessView)
        else None,
        "page": part,
        "rows": [
            (each.document, scope_words(request, release, each.document["scope"]), each.library)
            for each in part
        ],
        "text": text,
    }
    return show(request, "releases/release_snapshot.html", values)


def _kinds(step: Mapping[str, Any]) -> str:
    """Return what the actions of a frozen step do; a type that is gone is told by its id."""
    types = dict.fromkeys(action.get("ActionType", "") for action in step.get("Actions", ()))
    kinds = {each: find_step_kind(each) for each in types}
    return ", ".join(kind.name if kind else each for each, kind in kinds.items())


def _variables(request: PageRequest, release: Release, text: str) -> list[FrozenValue]:
    own = release.project.variable_set
    library = library_snapshots(release)
    numbers = [public_ids.parse(LibraryVariableSet.id_prefix, _owner(row)) for row in library]
    sets = LibraryVariableSet.objects.in_space(request.space).filter(
        pk__in=[number for number in numbers if number is not None]
    )
    names = {row.public_id: row.name for row in sets} if library else {}
    found = [
        FrozenValue(document, names.get(_owner(row), _owner(row)) if row in library else "")
        for row in [release.variable_snapshot, *library]
        for document in row.variables
        if own is not None
        and text.lower() in document["name"].lower()
        and may_view(
            request.grants,
            document["scope"],
            VariableSet(space=request.space, owner_id=_owner(row)),
        )
    ]
    return sorted(found, key=lambda value: value.document["name"].lower())


def _owner(snapshot: VariableSetSnapshot) -> str:
    """Return the public id of the project or library set whose values these are."""
    return snapshot.owner_id.partition("-")[2]
