"""Reads of releases and deployments."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery

from agent.versions import Version
from deployments.base import public_ids
from deployments.base.models import Space
from deployments.infrastructure.models import Environment
from deployments.projects.models import Channel, Project, Runbook
from deployments.projects.process import Process
from deployments.projects.queries import (
    PhaseView,
    lifecycle_of,
    phases_by_lifecycle,
    phases_of_many,
)
from deployments.releases.models import (
    Defect,
    DeletedRelease,
    Deployment,
    Frozen,
    Release,
    RunbookRun,
    RunbookSnapshot,
)
from deployments.releases.progression import Phase, Progression, progress_alike, progress_of
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState
from tenants.models import Tenant
from tenants.queries import environments_of_tenant

# Above it, reading what is unresolved in the space costs less than naming the releases.
_FEW_RELEASES: Final = 100


def releases_of(project: Project) -> QuerySet[Release]:
    """Return the project's releases, newest first."""
    return Release.objects.in_space(project.space).filter(project=project)


def find_release(project: Project, text: str) -> Release | None:
    """Return the release by number (ignoring case) or public id."""
    rows = releases_of(project).select_related("project__lifecycle", "channel__lifecycle")
    found = rows.filter(version_lower=text.strip().lower()).first()
    if found is not None:
        return found
    number = public_ids.parse(Release.id_prefix, text.strip())
    return rows.filter(pk=number).first() if number is not None else None


def deployments_of(release: Release) -> QuerySet[Deployment]:
    """Return the release's deployments, newest first."""
    rows = Deployment.objects.in_space(release.space).filter(release=release)
    return rows.select_related("task", "environment")


def snapshots_of(runbook: Runbook) -> QuerySet[RunbookSnapshot]:
    """Return the snapshots of a runbook, the newest first."""
    rows = RunbookSnapshot.objects.in_space(runbook.space).filter(runbook=runbook)
    return rows.select_related(
        "runbook", "project__group", "space", "process_snapshot", "variable_snapshot"
    )


def find_snapshot(rows: QuerySet[RunbookSnapshot], text: str) -> RunbookSnapshot | None:
    """Return the snapshot by public id or name, ignoring case."""
    number = public_ids.parse(RunbookSnapshot.id_prefix, text)
    found = rows.filter(pk=number).first() if number is not None else None
    return found or rows.filter(name__iexact=text.strip()).first()


def published_snapshot(runbook: Runbook) -> RunbookSnapshot | None:
    """Return the snapshot that everybody who may run the runbook runs."""
    return snapshots_of(runbook).filter(is_published=True).first()


def runs_of(runbook: Runbook) -> QuerySet[RunbookRun]:
    """Return the runs of a runbook, the newest first."""
    rows = RunbookRun.objects.in_space(runbook.space).filter(runbook=runbook)
    return rows.select_related("task", "environment", "snapshot")


def tasks_of_runbook(run: RunbookRun) -> QuerySet[RunbookRun, Any]:
    """Return the query of the tasks of all runs of the same runbook."""
    rows: QuerySet[RunbookRun, Any] = RunbookRun.objects.in_space(run.space)
    return rows.filter(runbook=run.runbook_id).order_by().values("task")


def process_of_release(release: Frozen) -> Process:
    """Return the frozen process."""
    return release.process_snapshot.process


def used_numbers(project: Project) -> tuple[list[Version], dict[str, list[Version]]]:
    """Return every number the project ever had, in all and by channel name."""
    everything: list[Version] = []
    by_channel: dict[str, list[Version]] = {
        name: []
        for name in Channel.objects.in_space(project.space)
        .filter(project=project)
        .values_list("name", flat=True)
    }
    stored = releases_of(project).order_by().values_list("version", "channel__name")
    deleted = DeletedRelease.objects.in_space(project.space).filter(project=project)
    for text, channel in (*stored, *deleted.values_list("version", "channel_name")):
        version = Version.try_parse(text)
        if version is not None:
            everything.append(version)
            by_channel.setdefault(channel, []).append(version)
    return everything, by_channel


def succeeded_environments(releases: Iterable[Release]) -> dict[int, set[int]]:
    """Return, by release number, the environments with a successful deployment; one query."""
    rows = list(releases)
    return _succeeded(rows[0].space, [row.pk for row in rows]) if rows else {}


def _succeeded(
    space: Space, releases: Collection[int], *, tenant: int | None = None
) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {number: set() for number in releases}
    made = Deployment.objects.in_space(space).filter(release__in=found, tenant_number=tenant)
    # As a join, some databases read every success there has been to find those few.
    tasks = ServerTask.objects.in_space(space).filter(pk=OuterRef("task"))
    rows = made.order_by().annotate(state=Subquery(tasks.values("state")))
    for release, place, state in rows.values_list(
        "release_id", "environment_id", "state"
    ).distinct():
        if state == TaskState.SUCCESS:
            found[release].add(place)
    return found


def defects_of(release: Release) -> QuerySet[Defect]:
    """Return the release's defects, newest first."""
    return Defect.objects.in_space(release.space).filter(release=release)


def unresolved_defect(release: Release) -> Defect | None:
    """Return what blocks the progression of the release."""
    return defects_of(release).filter(resolved__isnull=True).first()


def blocked_releases(space: Space, releases: Iterable[int]) -> set[int]:
    """Return those of the releases, by number, whose progression is blocked; one query."""
    wanted = set(releases)
    rows = Defect.objects.in_space(space).filter(resolved__isnull=True)
    if len(wanted) <= _FEW_RELEASES:
        rows = rows.filter(release__in=wanted)
    return wanted & set(rows.order_by().values_list("release_id", flat=True))


def waiting_for_people(
    release: Release, environment: Environment, tenant: int | None = None
) -> list[str]:
    """Return the tasks that deploy the release to the environment and wait for an answer."""
    rows = Deployment.objects.in_space(release.space).filter(
        release=release,
        environment=environment,
        tenant_number=tenant,
        task__has_pending_interruptions=True,
    )
    return [f"ServerTasks-{number}" for number in rows.values_list("task_id", flat=True)]


def progression_of(release: Release, tenant: Tenant | None = None) -> Progression:
    """Return where the release stands in its channel's lifecycle, for a tenant or without one."""
    lifecycle = lifecycle_of(release.channel).pk
    phases = phases_by_lifecycle(release.space, [lifecycle])[lifecycle]
    number = tenant.pk if tenant else None
    succeeded = _succeeded(release.space, [release.pk], tenant=number)[release.pk]
    connected = environments_of_tenant(tenant, release.project) or () if tenant else None
    has_defect = unresolved_defect(release) is not None
    return progress_of(
        [phase_of_view(view) for view in phases],
        succeeded,
        has_defect=has_defect,
        connected=connected,
    )


def progressions_of(releases: Collection[Release]) -> dict[int, Progression]:
    """Return the progressions of several releases of one space; a fixed number of queries.

    Give releases with `channel__lifecycle` and `channel__project__lifecycle` selected.
    """
    lifecycles = {row.pk: lifecycle_of(row.channel) for row in releases}
    phases = phases_of_many({row.pk: row for row in lifecycles.values()}.values())
    succeeded = succeeded_environments(releases)
    blocked = blocked_releases(next(iter(releases)).space, succeeded) if succeeded else set()
    return {
        release.pk: progress_of(
            [phase_of_view(view) for view in phases[lifecycles[release.pk].pk]],
            succeeded[release.pk],
            has_defect=release.pk in blocked,
        )
        for release in releases
    }


def progressions_in(
    space: Space,
    lifecycles: Mapping[int, int],
    *,
    tenant: int | None = None,
    connected: Mapping[int, Collection[int]] | None = None,
) -> dict[int, Progression]:
    """Return progressions by the numbers of releases, given those of their lifecycles.

    For a tenant, `connected` has the environments that connect it to the release's project.
    """
    views_of = phases_by_lifecycle(space, set(lifecycles.values()))
    phases = {number: [phase_of_view(view) for view in views] for number, views in views_of.items()}
    succeeded = _succeeded(space, lifecycles, tenant=tenant)
    blocked = blocked_releases(space, lifecycles)
    progress = {
        (number, is_blocked): progress_alike(views, has_defect=is_blocked)
        for number, views in phases.items()
        for is_blocked in (False, True)
    }
    return {
        release: progress[lifecycle, release in blocked](
            frozenset(succeeded[release]), frozenset(connected[release]) if connected else None
        )
        for release, lifecycle in lifecycles.items()
    }


def phase_of_view(view: PhaseView) -> Phase:
    """Return a phase of a lifecycle as progressions see it."""
    return Phase(
        view.id, view.name, view.environments, view.minimum, view.is_optional, view.is_priority
    )
