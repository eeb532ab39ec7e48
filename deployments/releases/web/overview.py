"""The overview of a project: its newest releases by environments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.projects.queries import channels_of, find_channel, process_of
from deployments.projects.settings import extra_document
from deployments.projects.web.rail import project_frame
from deployments.projects.web.triggers.pages import due_next
from deployments.releases.cells import Cell, Deployed
from deployments.releases.deployed import newest_deployments, previous_versions
from deployments.releases.models import Deployment, Release
from deployments.releases.progression import Progression
from deployments.releases.queries import progressions_of
from deployments.releases.web.frames import (
    may_deploy,
    project_of,
    visible_deployments,
    visible_environments,
)
from deployments.releases.web.overview_offers import offers_of
from deployments.releases.web.overview_tenants import tenant_values
from tenants.queries import tenanted_mode

_RELEASES_OF_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release with one cell for each environment."""

    release: Release
    cells: tuple[Cell, ...]


@require_GET
@page(Permission.ProjectView)
def project_overview(request: PageRequest, project: str) -> HttpResponse:
    """Show what is where: the newest releases by environments, or the tenants by them."""
    row = project_of(request, project)
    is_for_tenants = tenanted_mode(row).allows_tenants
    is_by_tenant = is_for_tenants and request.GET.get("view") == "tenants"
    values: dict[str, Any] = {
        **project_frame(request, row, "Overview"),
        **(tenant_values(request, row) if is_by_tenant else _release_values(request, row)),
    }
    board = "releases/_overview_tenants.html" if is_by_tenant else "releases/_overview_board.html"
    if request.headers.get("HX-Target") == "board":
        return show(request, board, values)
    values |= {
        "board": board,
        "is_for_tenants": is_for_tenants,
        "is_by_tenant": is_by_tenant,
        "may_release": allows_on(request.actor, row, Permission.ReleaseCreate)
        and not row.is_disabled,
        "has_steps": bool(process_of(row).steps),
        "due_next": due_next(request, row),
    }
    return show(request, "releases/project_overview.html", values)


def _release_values(request: PageRequest, row: Project) -> dict[str, Any]:
    """Return what the board of releases shows."""
    channels = list(channels_of(row))
    channel = find_channel(row, request.GET.get("channel", ""))
    releases = Release.objects.visible_to(request.actor, request.space, Permission.ReleaseView)
    releases = releases.filter(project=row).order_by("-pk")
    if channel is not None:
        releases = releases.filter(channel=channel)
    part = page_of(request, _with_lifecycles(releases), _RELEASES_OF_A_PAGE)
    shown = list(part)
    progressions = progressions_of(shown)
    newest = visible_deployments(request, row, channel.pk if channel else None)
    current = {each.environment: each for each in sorted(newest, key=lambda each: each.moment)}
    environments = _columns(visible_environments(request), progressions, current)
    return {
        "page": part,
        "columns": environments,
        "names": {each.pk: each for each in environments},
        "now": _now(request, row, environments, current),
        "rows": _rows(request, row, shown, environments, progressions, current),
        "failed": next((each for each in current.values() if each.is_failed), None),
        "channels": channels,
        "channel": channel,
    }


def _now(
    request: PageRequest,
    project: Project,
    environments: Sequence[Environment],
    current: dict[int, Deployed],
) -> list[tuple[Environment, Deployed | None, str]]:
    """Return what is where, with the version that may be deployed again instead of it."""
    places = {each.environment: each.release for each in current.values()}
    visible = Deployment.objects.visible_to(request.actor, request.space, Permission.DeploymentView)
    previous = previous_versions(
        visible.filter(project=project),
        request.space,
        places if tenanted_mode(project).allows_untenanted else {},
        by_channel=extra_document(project.extra)["DiscreteChannelRelease"],
    )
    return [
        (
            each,
            current.get(each.pk),
            previous.get(each.pk, "") if may_deploy(request, project, each.pk) else "",
        )
        for each in environments
    ]


def _with_lifecycles(rows: Any) -> Any:
    return rows.select_related(
        "channel__lifecycle__space", "channel__project__lifecycle__space", "space"
    )


def _columns(
    environments: Sequence[Environment],
    progressions: dict[int, Progression],
    current: dict[int, Deployed],
) -> list[Environment]:
    """Return the environments of the shown releases' lifecycles and those with a deployment."""
    wanted = set(current)
    for progression in progressions.values():
        for phase in progression.phases:
            wanted |= set(phase.environments)
    return [row for row in environments if row.pk in wanted] if wanted else list(environments)


def _rows(
    request: PageRequest,
    project: Project,
    releases: Sequence[Release],
    environments: Sequence[Environment],
    progressions: dict[int, Progression],
    current: dict[int, Deployed],
) -> list[ReleaseRow]:
    visible = Deployment.objects.visible_to(request.actor, request.space, Permission.DeploymentView)
    found = newest_deployments(
        visible.filter(release__in=[row.pk for row in releases]), "release_id", "environment_id"
    )
    there = {(each.release, each.environment): each for each in found}
    allowed = {row.pk for row in environments if may_deploy(request, project, row.pk)}
    offers = offers_of(request, project, releases, progressions)
    # One that is there for one tenant may still go to the next.
    again = 0 if tenanted_mode(project).allows_untenanted else 1
    rows = []
    for release in releases:
        progression = progressions[release.pk]
        cells = []
        for environment in environments:
            newest = current.get(environment.pk)
            is_newer = newest is None or newest.release < release.pk + again
            goes = environment.pk in offers[release.pk] and is_newer
            cells.append(
                Cell(
                    environment=environment.pk,
                    deployed=there.get((release.pk, environment.pk)),
                    next_version=release.version if goes and environment.pk in allowed else "",
                    is_reachable=progression.state_of(environment.pk) is not None,
                )
            )
        rows.append(ReleaseRow(release, tuple(cells)))
    return rows
