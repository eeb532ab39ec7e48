"""The page of a release: how far it has come, what is in it, what may happen next."""

from collections.abc import Sequence
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.infrastructure.models import Environment
from deployments.projects.process.shape import PROJECT_FEED_ID
from deployments.projects.queries import lifecycle_of, process_of
from deployments.projects.web.rail import project_frame
from deployments.projects.web.triggers.pages import decisions_of, shown_decisions
from deployments.releases.availability import missing_of
from deployments.releases.builds import work_items_of
from deployments.releases.changes.queries import places_now
from deployments.releases.comparison.variables import changed_variables
from deployments.releases.models import Deployment, Release
from deployments.releases.queries import (
    progression_of,
    unresolved_defect,
)
from deployments.releases.services.child_releases import projects_named
from deployments.releases.web.frames import (
    PhaseBox,
    PlaceView,
    boxes_of,
    next_place,
    places_of,
    release_of,
    visible_environments,
)
from deployments.releases.web.scope_words import scope_words
from deployments.releases.web.whom import MOST_TENANTS, tenant_rows
from packages_feed.models import Feed
from tenants.queries import tenant_names, tenanted_mode

_MOST_DEPLOYMENTS = 100
_MOST_DECISIONS = 50
_MOST_CHANGES = 200
_MOST_WAYS_BACK = 10


@require_GET
@page(Permission.ReleaseView)
def release_page(request: PageRequest, project: str, version: str) -> HttpResponse:
    """Show a release."""
    release = release_of(request, project, version)
    progression = progression_of(release)
    environments = visible_environments(request)
    places = places_of(request, release, progression, environments)
    boxes = boxes_of(progression, places)
    lifecycle = lifecycle_of(release.channel)
    deployments = _deployments(request, release)
    values = {
        **project_frame(request, release.project, "Releases"),
        "release": release,
        "phases": boxes,
        "lifecycle": lifecycle,
        "promote": _promoted(release, boxes),
        "may_deploy": any(place.may_deploy for place in places.values())
        or (_is_for_tenants(release) and request.grants.allows_anywhere("DeploymentCreate")),
        "tenants": tenant_rows(request, release, environments),
        "most_tenants": MOST_TENANTS,
        "is_everywhere": bool(boxes) and all(box.is_done or box.is_optional for box in boxes),
        "defect": unresolved_defect(release),
        "packages": _packages(release),
        "builds": release.build_information,
        "work_items": work_items_of(release.build_information),
        "deployments": deployments,
        "ways_back": _ways_back(deployments),
        "decisions": _decisions(request, release, environments),
        **_snapshots(request, release),
        **_rights(request, release),
    }
    return show(request, "releases/release.html", values)


@require_GET
@page(Permission.DeploymentView)
def deployment_redirect(request: PageRequest, deployment: str) -> HttpResponse:
    """Send people to the task that carries the deployment out."""
    row = find(request, Deployment, deployment, Permission.DeploymentView)
    return go(request, f"tasks/ServerTasks-{row.task_id}")


def _is_for_tenants(release: Release) -> bool:
    return tenanted_mode(release.project).allows_tenants and not release.project.is_disabled


def _promoted(release: Release, boxes: Sequence[PhaseBox]) -> PlaceView | None:
    """Return where the button leads; for tenants only there is none before one is chosen."""
    if not tenanted_mode(release.project).allows_untenanted:
        return None
    return next_place([place for box in boxes for place in box.places])


def _packages(release: Release) -> list[dict[str, Any]]:
    prefetch_related_objects([release], "selected_packages")  # both readers use the same rows
    rows = list(release.selected_packages.all())
    missing = {row.pk for row in missing_of(release)} if rows else set()
    feeds = {}
    for feed in Feed.objects.in_space(release.space):
        feed.space = release.space
        feeds[feed.public_id] = feed
    projects = projects_named(release.space, [(row.feed_id, row.package_id) for row in rows])
    return [
        {
            "row": row,
            "is_missing": row.pk in missing,
            "feed": feeds.get(row.feed_id),
            "project": projects.get(row.package_id) if row.feed_id == PROJECT_FEED_ID else None,
        }
        for row in rows
    ]


def _deployments(request: PageRequest, release: Release) -> list[dict[str, Any]]:
    rows = Deployment.objects.visible_to(request.actor, request.space, Permission.DeploymentView)
    found = rows.filter(release=release).select_related("task", "environment", "project")
    shown = list(found[:_MOST_DEPLOYMENTS])
    names = tenant_names(request.space, [row.tenant_number for row in shown])
    lanes = {(row.environment_id, row.tenant_number) for row in shown}
    occupied = places_now(rows, release, lanes)
    allowed: dict[tuple[int, int | None], bool] = {}
    items = []
    for row in shown:
        row.space = request.space
        lane = (row.environment_id, row.tenant_number)
        if lane not in allowed:
            allowed[lane] = allows_on(request.actor, row, Permission.DeploymentCreate)
        task, here = row.task, occupied.get(lane)
        items.append(
            {
                "row": row,
                "state": "SuccessWithWarning"
                if task.state == "Success" and task.has_warnings_or_errors
                else task.state,
                "may_redeploy": allowed[lane],
                "tenant": names.get(row.tenant_number or 0, ""),
                "here": here,
                "is_now": here is not None and here.now.newest == row.pk,
                "is_before": here is not None
                and here.before is not None
                and here.before.succeeded == row.pk,
            }
        )
    return items


def _ways_back(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the places where going back starts or ends at this release, each once."""
    found = [
        item
        for item in items
        if item["may_redeploy"] and (item["is_before"] or (item["is_now"] and item["here"].before))
    ]
    return found[:_MOST_WAYS_BACK]


def _decisions(
    request: PageRequest, release: Release, environments: Sequence[Environment]
) -> list[dict[str, Any]]:
    """Return what triggers and the lifecycle decided about the release by themselves."""
    if not allows_on(request.actor, release.project, Permission.TriggerView):
        return []
    rows = decisions_of(release.project).filter(release_id=release.public_id)
    names = {row.public_id: row.name for row in environments}
    return shown_decisions(rows[:_MOST_DECISIONS], names)


def _snapshots(request: PageRequest, release: Release) -> dict[str, Any]:
    """Return how far process and variables have moved since the release was cut."""
    process = process_of(release.project)
    changes = changed_variables(request.actor, release)
    shown = changes[:_MOST_CHANGES]
    return {
        "process_version": release.process_snapshot.version,
        "process_is_current": process.version == release.process_snapshot.version,
        "variable_version": release.variable_snapshot.version,
        "changes": [(each, scope_words(request, release, each.scope)) for each in shown],
        "changed": len(changes),
    }


def _rights(request: PageRequest, release: Release) -> dict[str, bool]:
    return {
        "may_edit": allows_on(request.actor, release, Permission.ReleaseEdit),
        "may_delete": allows_on(request.actor, release, Permission.ReleaseDelete),
        "may_copy": not release.project.is_disabled
        and allows_on(request.actor, release.project, Permission.ReleaseCreate),
        "may_block": allows_on(request.actor, release, Permission.DefectReport),
        "may_unblock": allows_on(request.actor, release, Permission.DefectResolve),
    }
