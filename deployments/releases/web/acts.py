"""What people change in a release: number, notes, packages, variables; deleting it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.projects.custom_fields import stored_definitions
from deployments.projects.queries import channels_of
from deployments.projects.web.rail import project_frame
from deployments.releases.models import Release, ReleaseSelectedPackage
from deployments.releases.queries import deployments_of
from deployments.releases.selection import PackageSpec
from deployments.releases.services import (
    delete_release,
    update_release,
    update_variables_of_release,
)
from deployments.releases.services.channel_choice import resolve_channel
from deployments.releases.web.frames import release_of


def path_of(release: Release) -> str:
    """Return the release's address below the space."""
    return f"projects/{release.project.slug}/releases/{release.version}"


@require_http_methods(["GET", "POST"])
@page(Permission.ReleaseEdit)
def release_edit(request: PageRequest, project: str, version: str) -> HttpResponse:
    """Change the number, the notes and, until it was deployed, the packages."""
    release = release_of(request, project, version)
    stored = list(ReleaseSelectedPackage.objects.filter(release=release))
    is_new = not deployments_of(release).exists()
    may_choose = bool(stored) and is_new
    values: dict[str, Any] = {
        **project_frame(request, release.project, "Releases"),
        "release": release,
        "version": release.version,
        "notes": release.notes,
        "packages": [(row, row.version) for row in stored],
        "may_choose": may_choose,
        "is_new": is_new,
        "fields": _fields(release),
        "channels": list(channels_of(release.project)),
        "channel": release.channel.public_id,
    }
    if request.method == "GET":
        return show(request, "releases/release_edit.html", values)
    number, notes = request.POST.get("version", ""), request.POST.get("notes", "")
    sent = [(row, request.POST.get(f"package:{row.pk}", row.version).strip()) for row in stored]
    specs = [
        PackageSpec(row.action_name, row.reference_name, text, is_exact=True) for row, text in sent
    ]
    fields = {name: request.POST.get(f"field:{name}", text) for name, text in _fields(release)}
    wanted = request.POST.get("channel", "") if is_new else ""
    saved, problems = attempt(
        lambda: update_release(
            actor=request.actor,
            release=release_of(request, project, version),
            version=number,
            notes=notes,
            selected_packages=specs if may_choose else None,
            custom_fields=fields or None,
            channel=resolve_channel(release.project, wanted) if wanted else None,
        )
    )
    if saved is None:
        values |= {
            "version": number,
            "notes": notes,
            "channel": wanted or release.channel.public_id,
            "packages": sent,
            "fields": fields.items(),
        }
        return show(request, "releases/release_edit.html", values, problems)
    messages.success(request, f"Release {saved.version} was saved.")
    return go(request, path_of(saved))


def _fields(release: Release) -> list[tuple[str, str]]:
    """Return the release's custom fields and those that its channel asks for."""
    asked = stored_definitions(release.channel.extra)
    names = dict.fromkeys((*release.custom_fields, *(each.name for each in asked)))
    return [(name, str(release.custom_fields.get(name, ""))) for name in names]


@require_POST
@page(Permission.ReleaseDelete)
def release_delete(request: PageRequest, project: str, version: str) -> HttpResponse:
    """Delete a release whose number was typed."""
    release = release_of(request, project, version)
    path = path_of(release)
    if request.POST.get("confirm", "").strip() != release.version:
        messages.error(request, f"Nothing was deleted: the text was not “{release.version}”.")
        return go(request, path)
    _, problems = attempt(lambda: delete_release(actor=request.actor, release=release))
    if problems:
        for error in problems.errors:
            messages.error(request, error)
        return go(request, path)
    messages.success(request, f"Release {version} was deleted with its deployments.")
    return go(request, f"projects/{release.project.slug}/releases")


@require_POST
@page(Permission.ReleaseEdit)
def update_variables(request: PageRequest, project: str, version: str) -> HttpResponse:
    """Take the project's variables as they are now into the release."""
    release = release_of(request, project, version)
    _, problems = attempt(lambda: update_variables_of_release(actor=request.actor, release=release))
    for error in problems.errors:
        messages.error(request, error)
    if not problems:
        messages.success(request, "The release has the project's variables of now.")
    return go(request, path_of(release))
