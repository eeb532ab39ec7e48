"""Trying out where a version of a project would go, by channels and lifecycles."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from agent.versions import InvalidTagPattern, Version, try_read_any
from deployments.access.permissions import Permission
from deployments.access.web.forms import show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base import public_ids
from deployments.infrastructure.models import Environment
from deployments.projects.models import Channel, Lifecycle
from deployments.projects.process import Process
from deployments.projects.queries import (
    PhaseView,
    channels_of,
    lifecycle_of,
    phases_of_many,
    process_of,
    read_process,
)
from deployments.projects.version_rules import rules_from_json
from deployments.projects.web.rail import project_frame
from deployments.releases.queries import phase_of_view
from deployments.releases.simulating import PhaseVerdict, refusals, simulate
from deployments.releases.web.frames import project_of, visible_environments


@require_GET
@page(Permission.ProcessView)
def channel_simulator(request: PageRequest, project: str) -> HttpResponse:
    """Say which channels take the version and where each would let it go.

    `done` are environments where it is taken to have succeeded, `blocked` blocks it.
    """
    row = project_of(request, project)
    text = request.GET.get("version", "").strip()[:350]
    version = try_read_any(text) if text else None
    channels = list(channels_of(row).select_related("lifecycle__space"))
    done = _done(request)
    for channel in channels:
        channel.project = row
    results = _results(request, channels, version, done) if version else []
    values = {
        **project_frame(request, row, "Channels"),
        "version": text,
        "is_wrong": bool(text) and version is None,
        "results": results,
        "places": list(
            dict.fromkeys(
                environment
                for result in results
                if not result["why_not"]
                for _, places in result["phases"]
                for environment, _ in places
            )
        ),
        "done": done,
        "blocked": _is_blocked(request),
    }
    return show(request, "releases/simulator.html", values)


@require_GET
@page(Permission.LifecycleView)
def lifecycle_simulator(request: PageRequest, lifecycle: str) -> HttpResponse:
    """Say where a release with some successes may go in one lifecycle."""
    row = find(request, Lifecycle, lifecycle, Permission.LifecycleView)
    row.space = request.space
    names = {each.pk: each for each in visible_environments(request)}
    done = _done(request)
    phases = [
        (phase, _places(phase, names))
        for phase in _simulated(request, phases_of_many([row])[row.pk], done)
    ]
    values = {
        "lifecycle": row,
        "phases": phases,
        "places": [environment for _, places in phases for environment, _ in places],
        "done": done,
        "blocked": _is_blocked(request),
        "may_edit": request.grants.allows(Permission.LifecycleEdit),
    }
    return show(request, "releases/lifecycle_simulator.html", values)


def _done(request: PageRequest) -> set[int]:
    parsed = (public_ids.parse(Environment.id_prefix, each) for each in request.GET.getlist("done"))
    return {number for number in parsed if number is not None}


def _is_blocked(request: PageRequest) -> bool:
    return request.GET.get("blocked") == "1"


def _simulated(
    request: PageRequest, views: Sequence[PhaseView], done: set[int]
) -> list[PhaseVerdict]:
    return simulate(
        [phase_of_view(view) for view in views],
        done,
        has_defect=_is_blocked(request),
        automatic={number for view in views for number in view.automatic},
    )


def _results(
    request: PageRequest, channels: list[Channel], version: Version, done: set[int]
) -> list[dict[str, Any]]:
    lifecycles = {channel.pk: lifecycle_of(channel) for channel in channels}
    for lifecycle in lifecycles.values():
        lifecycle.space = request.space
    views = phases_of_many({row.pk: row for row in lifecycles.values()}.values())
    names = {row.pk: row for row in visible_environments(request)}
    process = read_process(process_of(channels[0].project))
    results = []
    for channel in channels:
        lifecycle = lifecycles[channel.pk]
        phases = _simulated(request, views[lifecycle.pk], done)
        results.append(
            {
                "channel": channel,
                "lifecycle": lifecycle,
                "why_not": _why_not(channel, process, version),
                "phases": [(phase, _places(phase, names)) for phase in phases],
            }
        )
    return results


def _why_not(channel: Channel, process: Process, version: Version) -> list[str]:
    packages = [
        (action.name, reference.name)
        for _, action in process.actions()
        if action.applies_to(environment=None, channel=channel.public_id)
        for reference in action.packages
    ]
    try:
        return refusals(version, rules_from_json(channel.rules), packages)
    except InvalidTagPattern as error:
        return [str(error)]


def _places(phase: PhaseVerdict, names: dict[int, Environment]) -> list[tuple[Environment, Any]]:
    return [(names[p.environment], p) for p in phase.places if p.environment in names]
