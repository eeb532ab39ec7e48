"""What the pages of releases share: finding a release, the lifecycle with what is where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest, find
from deployments.base.errors import NotFound
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.projects.queries import lifecycle_of
from deployments.projects.settings import extra_document
from deployments.releases.cells import Deployed
from deployments.releases.deployed import newest_by_place, newest_deployments
from deployments.releases.eligibility import why_not
from deployments.releases.models import Deployment, Release
from deployments.releases.progression import PhaseState, Progress, Progression
from deployments.releases.queries import find_release
from deployments.releases.web.whom import Whom
from deployments.server_tasks.models import ServerTask


@dataclass(frozen=True, slots=True)
class PlaceView:
    """An environment as the release's lifecycle shows it.

    `deployed` is the newest deployment of this release there, `current` the newest of any.
    """

    environment: Environment
    deployed: Deployed | None
    current: Deployed | None
    is_next: bool
    may_deploy: bool
    why_not: str = ""

    @property
    def is_reachable(self) -> bool:
        return not self.why_not


@dataclass(frozen=True, slots=True)
class PhaseBox:
    """A phase of the lifecycle."""

    name: str
    is_done: bool
    is_next: bool
    is_optional: bool
    note: str
    places: tuple[PlaceView, ...]


def project_of(request: PageRequest, text: str) -> Project:
    """Return the project of the address; raises NotFound."""
    row = find(request, Project, text, Permission.ProjectView)
    row.space = request.space
    return row


def release_of(request: PageRequest, project: str, version: str) -> Release:
    """Return the release of the address; raises NotFound."""
    row = find_release(project_of(request, project), version)
    visible = Release.objects.visible_to(request.actor, request.space, Permission.ReleaseView)
    if row is None or not visible.filter(pk=row.pk).exists():
        raise NotFound
    row.space = request.space
    row.project.space = row.channel.space = request.space
    row.channel.project = row.project
    lifecycle_of(row.channel).space = request.space
    return row


def visible_environments(request: PageRequest) -> list[Environment]:
    """Return the environments that the reader may see, in their order."""
    rows = Environment.objects.visible_to(request.actor, request.space, Permission.EnvironmentView)
    environments = list(rows)
    for row in environments:
        row.space = request.space
    return environments


def visible_deployments(
    request: PageRequest,
    project: Project,
    channel: int | None = None,
    whom: Whom | None = None,
) -> list[Deployed]:
    """Return the newest deployment of the project in each environment.

    Where channels stand on their own it is the newest of the channel, for None of each channel.
    """
    who = (request.actor, request.space, Permission.DeploymentView)
    lane = {} if whom is None else {"tenant_number": whom.number}
    if not extra_document(project.extra)["DiscreteChannelRelease"]:
        tasks = ServerTask.objects.visible_to(*who).filter(**lane)
        return newest_by_place(tasks, [project.pk])
    rows, by = Deployment.objects.visible_to(*who).filter(project=project, **lane), ["channel_id"]
    if channel is not None:
        rows, by = rows.filter(channel=channel), []
    return newest_deployments(rows, "project_id", "environment_id", *by)


def may_deploy(
    request: PageRequest, project: Project, environment: int, tenant: int | None = None
) -> bool:
    """Tell whether the reader may deploy the project to the environment, for the tenant."""
    return not project.is_disabled and request.grants.allows(
        Permission.DeploymentCreate,
        project=project.pk,
        project_group=project.group_id,
        environment=environment,
        tenant=tenant,
    )


def places_of(
    request: PageRequest,
    release: Release,
    progression: Progression,
    environments: Iterable[Environment],
    whom: Whom | None = None,
) -> dict[int, PlaceView]:
    """Return each environment with what is there, by its number; with `whom` in its lane only."""
    deployments = Deployment.objects.visible_to(
        request.actor, request.space, Permission.DeploymentView
    )
    if whom is not None:
        deployments = deployments.filter(tenant_number=whom.number)
    own = newest_deployments(deployments.filter(release=release), "environment_id")
    here = {each.environment: each for each in own}
    newest = visible_deployments(request, release.project, release.channel_id, whom)
    current = {each.environment: each for each in newest}
    coming = progression.next_environments
    return {
        row.pk: PlaceView(
            environment=row,
            deployed=here.get(row.pk),
            current=current.get(row.pk),
            is_next=row.pk in coming,
            may_deploy=may_deploy(request, release.project, row.pk, whom.number if whom else None),
            why_not=why_not(progression, row.pk),
        )
        for row in environments
    }


def boxes_of(progression: Progression, places: dict[int, PlaceView]) -> list[PhaseBox]:
    """Return the phases with the environments that the reader may see."""
    current = progression.current
    return [
        PhaseBox(
            name=state.phase.name,
            is_done=state.progress is Progress.COMPLETE,
            is_next=current is state,
            is_optional=state.phase.is_optional,
            note=_note(state),
            places=tuple(places[n] for n in state.environments if n in places),
        )
        for state in progression.phases
    ]


def _note(state: PhaseState) -> str:
    words = ["Optional"] if state.phase.is_optional else []
    total = len(state.environments)
    if total > 1:
        words.append(f"{state.required} of {total} must succeed")
    return ", ".join(words)


def next_place(places: Sequence[PlaceView]) -> PlaceView | None:
    """Return where the promote button leads: the first open environment nobody deploys to now."""
    waiting = [each for each in places if each.is_next and each.may_deploy]
    idle = [each for each in waiting if not (each.deployed and each.deployed.is_under_way)]
    return next(iter(idle), None)
