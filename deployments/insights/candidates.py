"""Which releases may go on, and which projects have one; a fixed number of queries."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from deployments.access.grants import Grants
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.base.querysets import SpaceQuerySet
from deployments.insights.board import Candidate, next_places
from deployments.projects.models import Project
from deployments.projects.settings import participation_of
from deployments.releases.models import Release
from deployments.releases.queries import progressions_in

_RELEASE = ("pk", "project_id", "version", "channel__lifecycle_id", "project__lifecycle_id")


@dataclass(frozen=True, slots=True)
class Newest:
    """A project's newest release that one sees, by number, and whether it goes without tenants."""

    project: int
    group: int
    allows_untenanted: bool
    release: int | None

    def may_go(self, grants: Grants, environment: int) -> bool:
        """Whether the permissions let something be deployed there without a tenant."""
        return self.allows_untenanted and grants.allows(
            Permission.DeploymentCreate,
            project=self.project,
            project_group=self.group,
            environment=environment,
        )


def newest_of(actor: Actor, space: Space, projects: "QuerySet[Project]") -> list[Newest]:
    """Return what is newest in each of the projects; one query."""
    releases = _visible(actor, space).filter(project=OuterRef("pk")).order_by("-pk")
    rows = projects.order_by().annotate(newest=Subquery(releases.values("pk")[:1]))
    return [
        Newest(project, group, participation_of(extra).allows_untenanted, release)
        for project, group, extra, release in rows.values_list("pk", "group_id", "extra", "newest")
    ]


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
    rows = list(_visible(actor, space).filter(pk__in=releases).order_by().values_list(*_RELEASE))
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
    projects: "QuerySet[Project]",
    environments: Collection[int],
) -> set[int]:
    """Return those of the projects of which something may be deployed next without a tenant.

    `there` are the releases that are in their environments now. Most projects are decided by their
    newest release; only for the others those that are somewhere are looked at.
    """
    rows = {row.project: row for row in newest_of(actor, space, projects)}
    newest = {row.release for row in rows.values() if row.release is not None}

    def ready(releases: Collection[int]) -> set[int]:
        found: dict[int, list[Candidate]] = {}
        for candidate in candidates_of(actor, space, releases):
            found.setdefault(candidate.project, []).append(candidate)
        return {
            project
            for project, mine in found.items()
            if any(
                rows[project].may_go(grants, number)
                for number in next_places(mine, environments, there.get(project, {}))
            )
        }

    decided = ready(newest)
    others = {
        release
        for project in rows.keys() - decided
        for release in there.get(project, {}).values()
        if release not in newest and _is_ahead(release, there[project], environments)
    }
    return decided | ready(others) if others else decided


def _is_ahead(release: int, there: Mapping[int, int], environments: Iterable[int]) -> bool:
    """Tell whether the release is newer than what is in one of the environments."""
    return any(there.get(number, 0) < release for number in environments)


def _visible(actor: Actor, space: Space) -> SpaceQuerySet[Release]:
    return Release.objects.visible_to(actor, space, Permission.ReleaseView)
