"""The releases of a project."""

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.projects.queries import channels_of, find_channel
from deployments.projects.web.rail import project_frame
from deployments.releases.cells import Deployed
from deployments.releases.models import Release
from deployments.releases.queries import blocked_releases
from deployments.releases.web.frames import (
    project_of,
    visible_deployments,
    visible_environments,
)


@require_GET
@page(Permission.ReleaseView)
def release_list(request: PageRequest, project: str) -> HttpResponse:
    """List the releases, newest first; filtered by text and channel."""
    row = project_of(request, project)
    releases = Release.objects.visible_to(request.actor, request.space, Permission.ReleaseView)
    every = releases.filter(project=row)
    rows = every.select_related("channel").order_by("-pk").defer("build_information")
    text = request.GET.get("q", "").strip()
    channel = find_channel(row, request.GET.get("channel", ""))
    if text:
        rows = rows.filter(version_lower__contains=text.lower())
    if channel is not None:
        rows = rows.filter(channel=channel)
    names = {each.pk: each for each in visible_environments(request)}
    where: dict[int, list[tuple[Any, Deployed]]] = {}
    order = {number: place for place, number in enumerate(names)}
    current = [each for each in visible_deployments(request, row) if each.environment in names]
    for deployed in sorted(current, key=lambda each: order[each.environment]):
        where.setdefault(deployed.release, []).append((names[deployed.environment], deployed))
    part = page_of(request, rows)
    values = {
        **project_frame(request, row, "Releases"),
        "page": part,
        "blocked": blocked_releases(request.space, [release.pk for release in part]),
        "rows": [(release, where.get(release.pk, [])) for release in part],
        "channels": list(channels_of(row)),
        "channel": channel,
        "text": text,
        "total": every.count(),
        "may_release": allows_on(request.actor, row, Permission.ReleaseCreate)
        and not row.is_disabled,
    }
    return show(request, "releases/releases.html", values)
