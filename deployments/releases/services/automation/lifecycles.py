"""Deploying releases to the automatic environments of the phases that they enter.

An event plans the deployments, which may be hundreds; `deploy_planned` makes one of them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from deployments.access.actors import actor_behind
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.models import Event, Space
from deployments.projects.models import Outcome, PendingDeployment
from deployments.projects.queries import PhaseView, lifecycle_of, phases_of
from deployments.projects.services.decisions import LONGEST_CAUSE, Decision
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions
from deployments.releases.queries import phase_of_view
from deployments.releases.services.automation.acting import (
    attempt,
    decision_about,
    plan_rollout,
)
from deployments.releases.services.automation.entering import entered_environments
from deployments.releases.services.deployments import create_deployment
from deployments.releases.tenancy.standings import standings, succeeded_by_tenant
from deployments.server_tasks.states import TaskState
from tenants.models import Tenant
from tenants.queries import tenant_of, tenanted_mode

NAME: Final = "lifecycles"
LABEL: Final = "Automatic deployment of phases"
_RESOLVED: Final = "DefectResolved"
CATEGORIES: Final = ("Created", "DeploymentSucceeded", _RESOLVED)


@dataclass(frozen=True, slots=True)
class _News:
    """What happened to a release, and in whose name it goes on: public id and name."""

    event: Event
    release: Release
    phases: Sequence[PhaseView]
    who: tuple[str, str]
    cause: str


@dataclass(frozen=True, slots=True)
class _Case:
    """For whom phases are looked at; `connected` are a tenant's own environments."""

    tenant: Tenant | None = None
    connected: Collection[int] | None = None

    @property
    def number(self) -> int | None:
        return self.tenant.pk if self.tenant else None

    @property
    def words(self) -> str:
        return f" for {self.tenant.name}" if self.tenant else ""


def follow_lifecycle(event: Event, *, clock: Clock = utc_now) -> None:
    """Plan to deploy what the event lets into a phase; joins the caller's transaction."""
    if event.space is None:
        return
    if event.category == "DeploymentSucceeded":
        _after_success(event, event.space, clock)
        return
    release = _release(event.space, event)
    phases = _automatic_phases(release) if release else []
    if release is None or not phases:
        return
    who = (event.actor_id, event.actor_name)
    if event.category == _RESOLVED:
        cause = f"Release {release.version} is no longer blocked"
        succeeded = succeeded_by_tenant(release)
    else:
        cause = f"Release {release.version} was created"
        # Whatever has succeeded meanwhile has an event of its own.
        succeeded = {}
    news = _News(event, release, phases, who, cause)
    plan_rollout(
        [
            row
            for case in _cases(release)
            for row in _planned(news, case, clock, succeeded=succeeded.get(case.number, set()))
        ]
    )


def _release(space: Space, event: Event) -> Release | None:
    """Return the release that an event is about."""
    documents = [event.subject_id, *event.related.values_list("document_id", flat=True)]
    if event.category == "Created":
        documents = documents[:1]
    numbers = [public_ids.parse(Release.id_prefix, text) for text in documents]
    rows = Release.objects.in_space(space).filter(pk__in=[n for n in numbers if n is not None])
    return rows.first()


def _cases(release: Release) -> Iterable[_Case]:
    """Return for whom the release may be deployed: without a tenant, for each that it fits."""
    mode = tenanted_mode(release.project)
    if mode.allows_untenanted:
        yield _Case()
    if mode.allows_tenants:
        # All of them; whom somebody may not deploy for is refused with the reason.
        everybody = Actor.system("automatic phases")
        for standing in standings(release, everybody, Permission.TenantView):
            if not standing.why_not:
                yield _Case(standing.tenant, standing.environments)


def _automatic_phases(release: Release) -> list[PhaseView]:
    """Return the phases of the release's lifecycle, none when nothing in it is automatic."""
    views = phases_of(lifecycle_of(release.channel))
    return views if any(view.automatic for view in views) else []


def _after_success(event: Event, space: Space, clock: Clock) -> None:
    number = public_ids.parse(Deployment.id_prefix, event.subject_id)
    rows = Deployment.objects.in_space(space).filter(pk=number or 0)
    deployment = rows.select_related("environment").first()
    if deployment is None or _had_succeeded(deployment):
        return
    release = Release.objects.in_space(space).get(pk=deployment.release_id)
    phases = _automatic_phases(release)
    if not phases:
        return
    tenant = deployment.tenant_number
    for case in _cases_of(release, tenant):
        news = _News(
            event,
            release,
            phases,
            (deployment.deployed_by, deployment.deployed_by_name),
            f"Release {release.version} was deployed to {deployment.environment.name}{case.words}",
        )
        succeeded = succeeded_by_tenant(release).get(tenant, set())
        plan_rollout(
            _planned(news, case, clock, succeeded=succeeded, newly=deployment.environment_id)
        )


def _cases_of(release: Release, tenant: int | None) -> list[_Case]:
    if tenant is None:
        return [_Case()]
    everybody = Actor.system("automatic phases")
    found = standings(release, everybody, Permission.TenantView, tenants=[tenant])
    return [_Case(each.tenant, each.environments) for each in found if not each.why_not]


def _had_succeeded(deployment: Deployment) -> bool:
    """Whether the release was there before: a redeployment lets nothing into a phase."""
    rows = Deployment.objects.in_space(deployment.space).filter(
        release=deployment.release_id,
        environment=deployment.environment_id,
        tenant_number=deployment.tenant_number,
        task__state=TaskState.SUCCESS,
        pk__lt=deployment.pk,
    )
    return rows.exists()


def _planned(
    news: _News,
    case: _Case,
    clock: Clock,
    *,
    succeeded: Collection[int],
    newly: int | None = None,
) -> list[PendingDeployment]:
    release = news.release
    entered = entered_environments(
        [phase_of_view(view) for view in news.phases],
        {view.id: view.automatic for view in news.phases},
        succeeded=succeeded,
        newly=newly,
        connected=case.connected,
    )
    return [
        PendingDeployment(
            project=release.project,
            release_number=release.pk,
            environment_id=number,
            tenant_number=case.number,
            phase=phase,
            cause=news.cause[:LONGEST_CAUSE],
            event_id=news.event.public_id,
            actor_id=news.who[0],
            actor_name=news.who[1],
            due=clock(),
        )
        for phase, number in entered
    ]


def deploy_planned(row: PendingDeployment, release: Release, clock: Clock) -> Decision:
    """Deploy once per release, environment and tenant, and say what came of it."""
    environment, phase = row.environment, row.phase
    tenant = tenant_of(release.space, row.tenant_number)
    case = _Case(tenant)
    where = f"{environment.name}{case.words}, which the phase {phase} deploys to by itself"
    decision = decision_about(row, Outcome.NOTHING, f"It was deployed to {where}, before.")
    there = Deployment.objects.in_space(release.space).filter(
        release=release, environment=environment, tenant_number=row.tenant_number
    )
    if there.exists():
        return decision

    def deploy() -> Deployment:
        return create_deployment(
            actor=actor_behind(
                row.actor_id, row.actor_name, reason=f"the phase {phase} deploys by itself"
            ),
            release=release,
            environment=environment,
            tenant=tenant,
            options=DeploymentOptions(comments=f"Deployed by the phase {phase} by itself."),
            clock=clock,
        )

    deployment, refusal = attempt(deploy, name=row.actor_name)
    if deployment is None:
        reason = f"It was not deployed to {where}: {refusal}"
        return replace(decision, outcome=Outcome.REFUSED, reason=reason)
    return replace(
        decision,
        outcome=Outcome.DEPLOYED,
        reason=f"It is deployed to {where}.",
        results=(deployment.public_id,),
    )
