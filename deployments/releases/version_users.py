"""Which releases and snapshots of runbooks use versions of a package, for its page."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.db.models.functions import Lower

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.releases.models import (
    Release,
    ReleaseSelectedPackage,
    RunbookSnapshot,
    RunbookSnapshotPackage,
)
from packages_feed.queries import built_in_feed, known_as


def releases_using(
    actor: Actor, space: Space, package_id: str, versions: Sequence[str]
) -> Mapping[str, str]:
    """Return the newest release of each version that the actor may see, and how many more."""
    seen = Release.objects.visible_to(actor, space, Permission.ReleaseView)
    rows = ReleaseSelectedPackage.objects.filter(release__in=seen)
    found = _grouped(rows, "release_id", space, package_id, versions)
    columns = ("pk", "version", "project__name")
    newest = seen.filter(pk__in=[number for number, _ in found.values()]).values_list(*columns)
    names = {number: f"release {version} of {project}" for number, version, project in newest}
    return _words(found, names)


def snapshots_using(
    actor: Actor, space: Space, package_id: str, versions: Sequence[str]
) -> Mapping[str, str]:
    """Return the newest snapshot of a runbook that the actor may see, and how many more."""
    seen = RunbookSnapshot.objects.visible_to(actor, space, Permission.RunbookView)
    rows = RunbookSnapshotPackage.objects.filter(snapshot__in=seen)
    found = _grouped(rows, "snapshot_id", space, package_id, versions)
    columns = ("pk", "name", "runbook__name")
    newest = seen.filter(pk__in=[number for number, _ in found.values()]).values_list(*columns)
    names = {number: f"{name} of the runbook {runbook}" for number, name, runbook in newest}
    return _words(found, names)


def _grouped(
    rows: QuerySet[Any], owner: str, space: Space, package_id: str, versions: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Return the newest owner by version, and how many owners there are."""
    rows = rows.annotate(feed=Lower("feed_id")).filter(feed__in=known_as(built_in_feed(space)))
    named = rows.filter(package_id__iexact=package_id, version__in=versions)
    groups = named.order_by().values_list("version")
    counted = groups.annotate(newest=Max(owner), count=Count(owner, distinct=True))
    return {version: (newest, count) for version, newest, count in counted}


def _words(found: Mapping[str, tuple[int, int]], names: Mapping[int, str]) -> dict[str, str]:
    return {
        version: f"{names[newest]} and {count - 1} more" if count > 1 else names[newest]
        for version, (newest, count) in found.items()
    }
