"""What a release froze: its process and its variables."""

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.library.queries import may_view
from deployments.library.values import VariableDocument
from deployments.projects.web.rail import project_frame
from deployments.releases.comparison.processes import settings_of
from deployments.releases.models import Release
from deployments.releases.web.frames import release_of
from deployments.releases.web.scope_words import scope_words

_ROWS = 100


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
        "steps": [(step, settings_of(step)) for step in release.process_snapshot.steps]
        if allows_on(request.actor, release.project, Permission.ProcessView)
        else None,
        "page": part,
        "rows": [(each, scope_words(request, release, each["scope"])) for each in part],
        "text": text,
    }
    return show(request, "releases/release_snapshot.html", values)


def _variables(request: PageRequest, release: Release, text: str) -> list[VariableDocument]:
    variable_set = release.project.variable_set
    if variable_set is None:
        return []
    found: list[Any] = [
        document
        for document in release.variable_snapshot.variables
        if text.lower() in document["name"].lower()
        and may_view(request.grants, document["scope"], variable_set)
    ]
    return sorted(found, key=lambda document: document["name"].lower())
