"""Progressions on the wire: of a release in its lifecycle, and of a project's newest releases."""

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.infrastructure.models import Environment
from deployments.projects.models import Channel, Lifecycle, Project
from deployments.projects.queries import PhaseView, lifecycle_of, phases_of, phases_of_many
from deployments.projects.retention import policies_of_phases, policy_to_json, stored_policy
from deployments.projects.settings import extra_document
from deployments.releases.api.items import item_of, item_rows
from deployments.releases.api.resources import (
    FROZEN_CONTENTS,
    deployment_resource,
    release_resource,
    task_summary,
)
from deployments.releases.models import Deployment, Release
from deployments.releases.progression import PhaseState, Progression
from deployments.releases.queries import progression_of, progressions_of

_NEWEST = 30


def release_progression(release: Release, actor: Actor) -> dict[str, Any]:
    """Return the LifecycleProgression resource of a release."""
    progression = progression_of(release)
    views = {view.id: view for view in phases_of(lifecycle_of(release.channel))}
    rows = (
        Deployment.objects.visible_to(actor, release.space, Permission.DeploymentView)
        .filter(release=release)
        .select_related("task", "environment", "release__process_snapshot")
        .defer("release__process_snapshot__steps")
    )
    deployments = list(rows)
    return {
        "Id": f"{release.public_id}-progression",
        "Phases": [
            _phase(state, views[state.phase.id], deployments) for state in progression.phases
        ],
        "NextDeployments": _ids(progression.next_environments),
        "NextDeploymentsMinimumRequired": progression.next_minimum,
    }


def project_progression(project: Project, actor: Actor) -> dict[str, Any]:
    """Return the Progression resource: the newest releases with their newest deployments."""
    channels = list(
        Channel.objects.in_space(project.space)
        .filter(project=project)
        .select_related("lifecycle", "project__lifecycle")
    )
    releases = list(
        Release.objects.visible_to(actor, project.space, Permission.ReleaseView)
        .filter(project=project)
        .select_related("process_snapshot", "variable_snapshot")
        .defer(*FROZEN_CONTENTS)
        .prefetch_related("selected_packages")[:_NEWEST]
    )
    by_number = {channel.pk: channel for channel in channels}
    for release in releases:
        release.space, release.channel = project.space, by_number[release.channel_id]
    seen = list(Environment.objects.visible_to(actor, project.space, Permission.EnvironmentView))
    lifecycles = {channel.pk: lifecycle_of(channel) for channel in channels}
    views = phases_of_many({row.pk: row for row in lifecycles.values()}.values())
    phases = {channel.pk: views[lifecycles[channel.pk].pk] for channel in channels}
    of_channels = _environments_of(channels, phases, seen)
    used = {row.pk for rows in of_channels.values() for row in rows}
    progressions = progressions_of(releases)
    items = _newest_items(project, releases, actor)
    return {
        "Id": project.public_id,
        "Environments": [_reference(row) for row in seen if row.pk in used],
        "ChannelEnvironments": {
            channel: [_reference(row) for row in rows] for channel, rows in of_channels.items()
        },
        "Releases": [
            {
                **_release_row(release, progressions[release.pk]),
                "Deployments": items.get(release.pk, {}),
                **_kept(
                    progressions[release.pk],
                    lifecycles[release.channel_id],
                    phases[release.channel_id],
                ),
            }
            for release in releases
        ],
        "Links": {},
    }


def _release_row(release: Release, progression: Progression) -> dict[str, Any]:
    return {
        "Release": release_resource(release),
        "Channel": {
            "Id": release.channel.public_id,
            "Name": release.channel.name,
            "IsDefault": release.channel.is_default,
        },
        "NextDeployments": _ids(progression.next_environments),
        "HasUnresolvedDefect": progression.has_defect,
    }


def _phase(state: PhaseState, view: PhaseView, deployments: Sequence[Deployment]) -> dict[str, Any]:
    return {
        "Id": state.phase.id,
        "Name": state.phase.name,
        "Blocked": state.is_blocked,
        "Progress": str(state.progress),
        "AutomaticDeploymentTargets": _ids(view.automatic),
        "OptionalDeploymentTargets": _ids(view.manual),
        "MinimumEnvironmentsBeforePromotion": view.minimum,
        "IsOptionalPhase": view.is_optional,
        "Deployments": [
            {"Deployment": deployment_resource(row), "Task": task_summary(row.task)}
            for row in deployments
            if row.environment_id in state.environments
        ],
    }


def _kept(
    progression: Progression, lifecycle: Lifecycle, phases: Sequence[PhaseView]
) -> dict[str, Any]:
    """Return how long the release is kept: as the furthest phase with a success says."""
    policies = policies_of_phases(
        [(phase.name, phase.release_retention) for phase in phases], lifecycle.release_retention
    )
    reached = [
        each.policy
        for each, state in zip(policies, progression.phases, strict=True)
        if state.succeeded
    ]
    release = reached[-1] if reached else stored_policy(lifecycle.release_retention)
    return {
        "ReleaseRetentionPeriod": policy_to_json(release),
        "TentacleRetentionPeriod": policy_to_json(stored_policy(lifecycle.tentacle_retention)),
    }


def _environments_of(
    channels: Sequence[Channel],
    phases: Mapping[int, Sequence[PhaseView]],
    seen: Sequence[Environment],
) -> dict[str, list[Environment]]:
    found = {}
    for channel in channels:
        numbers = {number for view in phases[channel.pk] for number in view.environments}
        found[channel.public_id] = [row for row in seen if row.pk in numbers]
    return found


def _newest_items(
    project: Project, releases: Sequence[Release], actor: Actor
) -> dict[int, dict[str, list[dict[str, Any]]]]:
    rows = Deployment.objects.visible_to(actor, project.space, Permission.DeploymentView)
    items: dict[int, dict[str, list[dict[str, Any]]]] = {}
    is_discrete = bool(extra_document(project.extra)["DiscreteChannelRelease"])
    current: set[tuple[int, int | None, int]] = set()
    seen: set[tuple[int, int, int | None]] = set()
    for row in item_rows(rows.filter(release__in=releases).order_by("-id")):
        _, _, environment, tenant, release, channel, *_ = row
        of_release = items.setdefault(release, {})
        if (release, environment, tenant) in seen:
            continue
        seen.add((release, environment, tenant))
        place = (environment, tenant, channel if is_discrete else 0)
        item = item_of(row, is_current=place not in current, is_previous=False)
        current.add(place)
        of_release.setdefault(f"Environments-{environment}", []).append(item)
    return items


def _ids(numbers: Sequence[int]) -> list[str]:
    return [f"Environments-{number}" for number in numbers]


def _reference(row: Environment) -> dict[str, str]:
    return {"Id": row.public_id, "Name": row.name}
