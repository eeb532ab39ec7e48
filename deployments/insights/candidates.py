"""Which releases may go on, and which projects have one; a fixed number of queries."""

from collections.abc import Collection, Mapping

from django.db.models import OuterRef, Subquery

from deployments.access.grants import Grants
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.base.participation import Participation
from deployments.base.querysets import SpaceQuerySet
from deployments.insights.board import Candidate, next_places
from deployments.projects.models import Project
from deployments.projects.settings import extra_document
from deployments.releases.models import Release
from deployments.releases.queries import progressions_in

_COLUMNS = ("pk", "project_id", "version", "channel__lifecycle_id", "project__lifecycle_id")


def newest_releases(actor: Actor, space: Space, projects: Collection[int]) -> set[int]:
    """Return the newest release of each project that the actor may see, by number; one query."""
    newest = _visible(actor, space).filter(project=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    rows = Project.objects.in_space(space).filter(pk__in=projects).order_by()
    found = rows.annotate(newest=Subquery(newest)).values_list("newest", flat=True)
    return {number for number in found if number is not None}


def candidates_of(
    actor: Actor,
    space: Space,
    releases: Collection[int],
    *,
    tenant: int | None = None,
    connected: Mapping[int, Collection[int]] | None = None,
) -> list[Candidate]:
    """Return how the releases stand that the actor may see, of a tenant or without one.

    For a tenant, `connected` has the environments that connect it to each project.
    """
    rows = list(_visible(actor, space).filter(pk__in=releases).order_by().values_list(*_COLUMNS))
    progressions = progressions_in(
        space,
        {number: own or usual for number, _, _, own, usual in rows},
        tenant=tenant,
        connected=connected and {number: connected[project] for number, project, *_ in rows},
    )
    return [
        Candidate(number, project, version, progressions[number])
        for number, project, version, *_ in rows
    ]


def ready_projects(
    actor: Actor,
    space: Space,
    grants: Grants,
    there: Mapping[int, Mapping[int, int]],
    projects: Collection[int],
    environments: Collection[int],
) -> set[int]:
    """Return those of the projects of which something may be deployed next without a tenant.

    `there` are the releases that are in their environments now. Most projects are decided by their
    newest release; only for the others those that are somewhere are looked at.
    """
    newest = newest_releases(actor, space, projects)
    ready = _ready(space, grants, candidates_of(actor, space, newest), there, environments)
    others = {
        release
        for project in set(projects) - ready
        for release in there.get(project, {}).values()
        if release not in newest and _is_ahead(release, there[project], environments)
    }
    if others:
        older = candidates_of(actor, space, others)
        ready |= _ready(space, grants, older, there, environments)
    return ready


def _is_ahead(release: int, there: Mapping[int, int], environments: Collection[int]) -> bool:
    """Tell whether the release is newer than what is in one of the environments."""
    return any(there.get(number, 0) < release for number in environments)


def _ready(
    space: Space,
    grants: Grants,
    candidates: Collection[Candidate],
    there: Mapping[int, Mapping[int, int]],
    environments: Collection[int],
) -> set[int]:
    releases: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        releases.setdefault(candidate.project, []).append(candidate)
    rows = Project.objects.in_space(space).filter(pk__in=releases).order_by()
    return {
        project
        for project, group, extra in rows.values_list("pk", "group_id", "extra")
        if Participation(extra_document(extra)["TenantedDeploymentMode"]).allows_untenanted
        and any(
            grants.allows(
                Permission.DeploymentCreate,
                project=project,
                project_group=group,
                environment=number,
            )
            for number in next_places(releases[project], environments, there.get(project, {}))
        )
    }


def _visible(actor: Actor, space: Space) -> SpaceQuerySet[Release]:
    return Release.objects.visible_to(actor, space, Permission.ReleaseView)
