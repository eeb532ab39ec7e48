"""Deploying releases to the automatic environments of the phases that they enter."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from deployments.access.actors import actor_behind
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.models import Event, Space
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome
from deployments.projects.queries import PhaseView, lifecycle_of, phases_of
from deployments.projects.services.decisions import Decision, log_decision
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions
from deployments.releases.queries import phase_of_view
from deployments.releases.services.automation.acting import attempt
from deployments.releases.services.automation.entering import entered_environments
from deployments.releases.services.deployments import create_deployment
from deployments.releases.tenancy.standings import standings, succeeded_by_tenant
from deployments.server_tasks.states import TaskState
from tenants.models import Tenant
from tenants.queries import tenanted_mode

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
    def words(self) -> str:
        return f" for {self.tenant.name}" if self.tenant else ""


def follow_lifecycle(event: Event, *, clock: Clock = utc_now) -> None:
    """Deploy what the event lets into a phase; joins the caller's transaction."""
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
    for case in _cases(release):
        number = case.tenant.pk if case.tenant else None
        _deploy(news, case, clock, succeeded=succeeded.get(number, set()))


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
        _deploy(news, case, clock, succeeded=succeeded, newly=deployment.environment_id)


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


def _deploy(
    news: _News,
    case: _Case,
    clock: Clock,
    *,
    succeeded: Collection[int],
    newly: int | None = None,
) -> None:
    release = news.release
    entered = entered_environments(
        [phase_of_view(view) for view in news.phases],
        {view.id: view.automatic for view in news.phases},
        succeeded=succeeded,
        newly=newly,
        connected=case.connected,
    )
    environments = Environment.objects.in_space(release.space).in_bulk(
        [number for _, number in entered]
    )
    for phase, number in entered:
        environment = environments[number]
        outcome, reason, results = _to_environment(news, case, environment, phase, clock)
        decision = Decision(
            outcome,
            news.cause,
            reason,
            event_id=news.event.public_id,
            release_id=release.public_id,
            environment_id=environment.public_id,
            tenant_id=case.tenant.public_id if case.tenant else "",
            results=results,
        )
        log_decision(release.project, decision, clock=clock)


def _to_environment(
    news: _News, case: _Case, environment: Environment, phase: str, clock: Clock
) -> tuple[Outcome, str, tuple[str, ...]]:
    """Deploy once per release, environment and tenant; return outcome, reason, what was made."""
    release = news.release
    where = f"{environment.name}{case.words}, which the phase {phase} deploys to by itself"
    there = Deployment.objects.in_space(release.space).filter(
        release=release,
        environment=environment,
        tenant_number=case.tenant.pk if case.tenant else None,
    )
    if there.exists():
        return Outcome.NOTHING, f"It was deployed to {where}, before.", ()
    person, name = news.who

    def deploy() -> Deployment:
        return create_deployment(
            actor=actor_behind(person, name, reason=f"the phase {phase} deploys by itself"),
            release=release,
            environment=environment,
            tenant=case.tenant,
            options=DeploymentOptions(comments=f"Deployed by the phase {phase} by itself."),
            clock=clock,
        )

    deployment, refusal = attempt(deploy, name=name)
    if deployment is None:
        return Outcome.REFUSED, f"It was not deployed to {where}: {refusal}", ()
    return Outcome.DEPLOYED, f"It is deployed to {where}.", (deployment.public_id,)
