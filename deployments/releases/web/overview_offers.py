"""Where the releases of a project may go next, for somebody at least."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from django.db.models import Count, Exists, OuterRef

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.projects.models import Project
from deployments.releases.cells import Deployed
from deployments.releases.models import Deployment, Release
from deployments.releases.progression import Progression, progress_of
from deployments.releases.tenancy.standings import standings
from deployments.releases.web.frames import may_deploy
from deployments.server_tasks.states import TaskState
from tenants.models import ConnectedEnvironment, Tenant
from tenants.queries import connected_environments, tenanted_mode, tenants_of_project

Offers = Mapping[int, Collection[int]]
# A tenant, None for none, and an environment.
Lane = tuple[int | None, int]
_LOOKED_AT: Final = 3


def offers_of(
    request: PageRequest,
    project: Project,
    releases: Sequence[Release],
    progressions: Mapping[int, Progression],
) -> Offers:
    """Return, by release, the environments that come next.

    Where deployments are for tenants only, those that one of them may get it in and not all have
    it; which one is asked on the page of the deployment. Three queries more then.
    """
    if tenanted_mode(project).allows_untenanted:
        return {number: each.next_environments for number, each in progressions.items()}
    seen = tenants_of_project(request.actor, project, Permission.TenantView)
    tenants = set(seen.filter(is_disabled=False).values_list("pk", flat=True))
    connected = Counter(
        place
        for tenant, places in connected_environments(project).items()
        if tenant in tenants
        for place in places
    )
    visible = Deployment.objects.visible_to(request.actor, request.space, Permission.DeploymentView)
    done = visible.filter(
        release__in=[row.pk for row in releases],
        tenant_number__in=tenants,
        task__state=TaskState.SUCCESS,
    )
    is_connected = Exists(
        ConnectedEnvironment.objects.filter(
            connection__tenant=OuterRef("tenant_number"),
            connection__project=project,
            environment=OuterRef("environment"),
        )
    )
    grouped = done.order_by().values_list("release_id", "environment_id")
    # Whoever left a place since still shows that the release was there, but is not counted.
    counted = Count("tenant_number", distinct=True, filter=is_connected)
    have = {
        (release, place): number for release, place, number in grouped.annotate(counted=counted)
    }
    return {
        release.pk: _open_for_some(
            progressions[release.pk],
            connected,
            {place: number for (owner, place), number in have.items() if owner == release.pk},
        )
        for release in releases
    }


def offers_for_tenants(
    request: PageRequest,
    project: Project,
    tenants: Sequence[Tenant],
    there: Mapping[Lane, Deployed],
) -> dict[Lane, str]:
    """Return, by tenant and environment, the version that may go there next.

    The newest release is looked at, and the newest of those that these tenants have: a few, so that
    the number of queries is bounded.
    """
    numbers = [row.pk for row in tenants]
    offers: dict[Lane, str] = {}
    if project.is_disabled or not numbers:
        return offers
    for release in _looked_at(request, project, there):
        permission = Permission.TenantView
        for each in standings(release, request.actor, permission, tenants=numbers):
            for place in each.progression.next_environments if not each.why_not else ():
                lane = (each.tenant.pk, place)
                current = there.get(lane)
                is_newer = current is None or current.release < release.pk
                if (
                    lane not in offers
                    and is_newer
                    and may_deploy(request, project, place, each.tenant.pk)
                ):
                    offers[lane] = release.version
    return offers


def _looked_at(
    request: PageRequest, project: Project, there: Mapping[Lane, Deployed]
) -> list[Release]:
    """Return releases, newest first: the newest one and the newest of those that are there."""
    seen = Release.objects.visible_to(request.actor, request.space, Permission.ReleaseView)
    mine = seen.filter(project=project).select_related("channel__lifecycle").order_by("-pk")
    newest = list(mine.values_list("pk", flat=True)[:1])
    placed = sorted({each.release for each in there.values()}, reverse=True)[:_LOOKED_AT]
    found = list(mine.filter(pk__in=[*newest, *placed]))
    for row in found:
        row.space, row.project = request.space, project
    return found


def _open_for_some(
    progression: Progression, connected: Mapping[int, int], have: Mapping[int, int]
) -> set[int]:
    """Return the places that are open once anybody was served in the phases before."""
    phases = [state.phase for state in progression.phases]
    some = progress_of(phases, have.keys(), has_defect=progression.has_defect)
    return {
        place
        for state in some.phases
        if state.is_deployable
        for place in state.environments
        if have.get(place, 0) < connected.get(place, 0)
    }
