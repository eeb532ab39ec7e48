"""The changes of a deployment: read from the releases that it brings."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from django.db.models import Max, Q, QuerySet

from agent.versions import Version
from deployments.base.actor import Actor
from deployments.projects.settings import extra_document
from deployments.releases.builds import work_items_of
from deployments.releases.changes.lanes import Attempt, Lane, Occupied, occupied_lanes
from deployments.releases.changes.rolling import brought, mode_of
from deployments.releases.models import Deployment, Release
from deployments.server_tasks.states import TaskState

_MOST_RELEASES: Final = 50


def current_release(release: Release, environment: int, tenant: int | None) -> Release | None:
    """Return what was deployed there successfully last, of the release's project; one query."""
    newest = _successes(release, environment, tenant).select_related("release").first()
    return newest.release if newest else None


def _successes(release: Release, environment: int, tenant: int | None) -> "QuerySet[Deployment]":
    """Return the successful deployments of the project there, the newest first."""
    rows = Deployment.objects.in_space(release.space).filter(
        project=release.project_id,
        environment=environment,
        tenant_number=tenant,
        task__state=TaskState.SUCCESS,
    )
    return rows.order_by("-pk")


def places_now(
    rows: "QuerySet[Deployment]", release: Release, lanes: Collection[Lane]
) -> Mapping[Lane, Occupied]:
    """Return what is in each of the lanes, and what one would go back to there; one query.

    Of the rows, which may be seen, those of the release's project count; of its channel alone
    where channels stand on their own.
    """
    if not lanes:
        return {}
    rows = rows.filter(project=release.project_id)
    if extra_document(release.project.extra)["DiscreteChannelRelease"]:
        rows = rows.filter(channel=release.channel_id)
    tenants = {tenant for _, tenant in lanes if tenant is not None}
    mine = Q(tenant_number__in=tenants)
    if any(tenant is None for _, tenant in lanes):
        mine |= Q(tenant_number=None)
    found = (
        rows.filter(mine, environment__in={environment for environment, _ in lanes})
        .order_by()
        .values("environment_id", "tenant_number", "release_id", "release__version")
        .annotate(newest=Max("pk"), succeeded=Max("pk", filter=Q(task__state=TaskState.SUCCESS)))
    )
    return occupied_lanes(
        Attempt(
            (row["environment_id"], row["tenant_number"]),
            row["release_id"],
            row["release__version"],
            row["newest"],
            row["succeeded"],
        )
        for row in found
    )


def standing_of(release: Release, environment: int, tenant: int | None) -> dict[str, Any]:
    """Return the mode of a deployment and what it replaces, as they are frozen with it."""
    newest = _successes(release, environment, tenant).values_list("release", "release__version")
    number, version = newest.first() or (None, None)
    return {
        "mode": str(mode_of(version, release.version)),
        "replaces": {"id": f"Releases-{number}", "version": version} if version else None,
    }


def changes_between(
    release: Release, current: str | None, *, viewer: Actor | None = None
) -> list[Release]:
    """Return the releases of the same channel that come with this one, oldest first.

    At most the newest fifty of those that the viewer, if there is one, may see; one query.
    """
    rows = (
        Release.objects.visible_to(viewer, release.space, "ReleaseView")
        if viewer
        else Release.objects.in_space(release.space)
    )
    found = rows.filter(
        project=release.project_id, channel=release.channel_id, version_key__lte=release.version_key
    )
    if current is not None:
        found = found.filter(version_key__gt=Version.parse(current).sort_key)
    newest = found.order_by("-version_key")[:_MOST_RELEASES]
    return brought(newest, current=current, version=release.version)


def changes_of(deployment: Deployment, *, viewer: Actor | None = None) -> list[Release]:
    """Return what a deployment brought; nothing for one older than this record."""
    if "mode" not in deployment.options:
        return []
    replaced = deployment.options.get("replaces") or {}
    return changes_between(deployment.release, replaced.get("version"), viewer=viewer)


def changes_resource(releases: Sequence[Release]) -> list[dict[str, Any]]:
    """Return the changes on the wire."""
    return [
        {
            "Version": row.version,
            "ReleaseNotes": row.notes,
            "BuildInformation": row.build_information,
            "WorkItems": work_items_of(row.build_information),
            "Commits": [
                commit for build in row.build_information for commit in build.get("Commits") or ()
            ],
        }
        for row in releases
    ]


def changes_markdown(releases: Sequence[Release]) -> str:
    """Return the changes as text, newest first: numbers, notes and work items."""
    parts = []
    for row in reversed(releases):
        lines = [f"### {row.version}"]
        if row.notes.strip():
            lines.append(row.notes.strip())
        items = [_item(item) for item in work_items_of(row.build_information)]
        if items:
            lines.append("\n".join(items))
        parts.append("\n\n".join(lines))
    return "\n\n".join(parts)


def _item(item: dict[str, Any]) -> str:
    words = f" {item['Description']}" if item.get("Description") else ""
    link = f"[{item['Id']}]({item['LinkUrl']})" if item.get("LinkUrl") else str(item["Id"])
    return f"- {link}{words}"
