"""The changes of a deployment: read from the releases that it brings."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from django.db.models import Max, Q, QuerySet

from agent.versions import Version
from deployments.base.actor import Actor
from deployments.releases.builds import work_items_of
from deployments.releases.changes.lanes import Lane, Occupied, Success, occupied_lanes
from deployments.releases.changes.rolling import brought, mode_of
from deployments.releases.models import Deployment, Release
from deployments.server_tasks.states import TaskState

_MOST_RELEASES: Final = 50


def current_release(release: Release, environment: int, tenant: int | None) -> Release | None:
    """Return what was deployed there successfully last, of the release's project; one query."""
    rows = Deployment.objects.in_space(release.space).filter(
        project=release.project_id,
        environment=environment,
        tenant_number=tenant,
        task__state=TaskState.SUCCESS,
    )
    newest = rows.order_by("-pk").select_related("release").first()
    return newest.release if newest else None


def successes_in(rows: "QuerySet[Deployment]", lanes: Collection[Lane]) -> Mapping[Lane, Occupied]:
    """Return what succeeded last in each of the lanes, and what before it; one query.

    `rows` are the deployments of one project that may be seen.
    """
    if not lanes:
        return {}
    newest = (
        rows.filter(
            environment__in={environment for environment, _ in lanes},
            task__state=TaskState.SUCCESS,
        )
        .filter(
            Q(tenant_number__in={tenant for _, tenant in lanes if tenant is not None})
            | (Q(tenant_number=None) if any(tenant is None for _, tenant in lanes) else Q(pk=None))
        )
        .order_by()
        .values("environment_id", "tenant_number", "release_id", "release__version")
        .annotate(newest=Max("pk"))
    )
    return occupied_lanes(
        Success(
            (row["environment_id"], row["tenant_number"]),
            row["release_id"],
            row["release__version"],
            row["newest"],
        )
        for row in newest
    )


def standing_of(release: Release, environment: int, tenant: int | None) -> dict[str, Any]:
    """Return the mode of a deployment and what it replaces, as they are frozen with it."""
    current = current_release(release, environment, tenant)
    version = current.version if current else None
    return {
        "mode": str(mode_of(version, release.version)),
        "replaces": {"id": current.public_id, "version": current.version} if current else None,
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
