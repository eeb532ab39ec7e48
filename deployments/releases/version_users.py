"""Which releases and snapshots of runbooks use versions of a package, an account and the like."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Lower

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.library.uses import Use
from deployments.projects.step_uses import rows_with_text
from deployments.releases.models import (
    ProcessSnapshot,
    Release,
    ReleaseSelectedPackage,
    RunbookSnapshot,
    RunbookSnapshotPackage,
    VariableSetSnapshot,
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


def releases_naming(actor: Actor, space: Space, public_id: str) -> Iterator[Use]:
    """Yield the releases and snapshots of runbooks whose frozen variables or steps name the id."""
    variables = VariableSetSnapshot.objects.in_space(space)
    numbers = set(rows_with_text(variables, "variables", public_id).values_list("pk", flat=True))
    processes = ProcessSnapshot.objects.in_space(space)
    steps = set(rows_with_text(processes, "steps", public_id).values_list("pk", flat=True))
    if not numbers and not steps:
        return
    seen = Release.objects.visible_to(actor, space, Permission.ReleaseView)
    mine = set(seen.values_list("pk", flat=True))
    for release in _with_snapshots(Release.objects.in_space(space), numbers, steps, "project"):
        name = f"{release.version} of {release.project.name}"
        path = f"projects/{release.project.slug}/releases/{release.version}"
        is_visible = release.pk in mine
        words, wire = f"the release {name}", _wire_of(release)
        yield Use("Releases", release.public_id, name, words, path, is_visible, wire)
    known = RunbookSnapshot.objects.visible_to(actor, space, Permission.RunbookView)
    own = set(known.values_list("pk", flat=True))
    for row in _with_snapshots(
        RunbookSnapshot.objects.in_space(space), numbers, steps, "runbook", "project"
    ):
        name = f"{row.name} of the runbook {row.runbook.name}"
        path = f"projects/{row.project_id}/runbooks/{row.runbook.public_id}"
        words, is_visible = f"the snapshot {name}", row.pk in own
        wire = _wire_of_snapshot(row)
        yield Use("RunbookSnapshots", row.public_id, name, words, path, is_visible, wire)


def _wire_of(release: Release) -> dict[str, Any]:
    return {
        "ProjectId": release.project.public_id,
        "ProjectName": release.project.name,
        "Releases": [{"ReleaseId": release.public_id, "ReleaseVersion": release.version}],
    }


def _wire_of_snapshot(row: RunbookSnapshot) -> dict[str, Any]:
    return {
        "RunbookId": row.runbook.public_id,
        "RunbookName": row.runbook.name,
        "ProjectId": f"Projects-{row.project_id}",
        "ProjectName": row.project.name,
        "Snapshots": [{"SnapshotId": row.public_id, "SnapshotName": row.name}],
    }


def _with_snapshots(
    rows: QuerySet[Any], numbers: set[int], steps: set[int], *owners: str
) -> list[Any]:
    """Return the rows with one of the frozen sets, be it through the library, or of the processes.

    The newest come first.
    """
    libraries = rows.exclude(library_snapshots=[]).values_list("pk", "library_snapshots")
    through_library = [
        pk for pk, named in libraries if not numbers.isdisjoint(each["number"] for each in named)
    ]
    mine = Q(variable_snapshot__in=numbers) | Q(process_snapshot__in=steps)
    mine |= Q(pk__in=through_library)
    return list(rows.filter(mine).select_related(*owners).order_by("-pk"))


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
