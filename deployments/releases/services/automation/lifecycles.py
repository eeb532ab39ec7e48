"""Deploying releases to the automatic environments of the phases that they enter."""

from collections.abc import Collection
from typing import Final

from deployments.access.actors import actor_behind
from deployments.base import public_ids
from deployments.base.clock import Clock, utc_now
from deployments.base.models import Event, Space
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome
from deployments.projects.queries import lifecycle_of, phases_of
from deployments.projects.services.decisions import Decision, log_decision
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions
from deployments.releases.queries import phase_of_view, succeeded_environments
from deployments.releases.services.automation.acting import attempt
from deployments.releases.services.automation.entering import entered_environments
from deployments.releases.services.deployments import create_deployment
from deployments.server_tasks.states import TaskState

NAME: Final = "lifecycles"
LABEL: Final = "Automatic deployment of phases"
_RESOLVED: Final = "DefectResolved"
CATEGORIES: Final = ("Created", "DeploymentSucceeded", _RESOLVED)


def follow_lifecycle(event: Event, *, clock: Clock = utc_now) -> None:
    """Deploy what the event lets into a phase; joins the caller's transaction."""
    if event.space is None:
        return
    if event.category == "DeploymentSucceeded":
        _after_success(event, event.space, clock)
        return
    release = _release(event.space, event)
    if release is None:
        return
    who = (event.actor_id, event.actor_name)
    if event.category == _RESOLVED:
        succeeded = succeeded_environments([release])[release.pk]
        cause = f"Release {release.version} is no longer blocked"
        _deploy(event, release, who, cause, clock, succeeded=succeeded)
    else:
        # Whatever has succeeded meanwhile has an event of its own.
        cause = f"Release {release.version} was created"
        _deploy(event, release, who, cause, clock, succeeded=set())


def _release(space: Space, event: Event) -> Release | None:
    """Return the release that an event is about."""
    documents = [event.subject_id, *event.related.values_list("document_id", flat=True)]
    if event.category == "Created":
        documents = documents[:1]
    numbers = [public_ids.parse(Release.id_prefix, text) for text in documents]
    rows = Release.objects.in_space(space).filter(pk__in=[n for n in numbers if n is not None])
    return rows.first()


def _after_success(event: Event, space: Space, clock: Clock) -> None:
    number = public_ids.parse(Deployment.id_prefix, event.subject_id)
    rows = Deployment.objects.in_space(space).filter(pk=number or 0, tenant_number=None)
    deployment = rows.select_related("environment").first()
    if deployment is None or _had_succeeded(deployment):
        return
    release = Release.objects.in_space(space).get(pk=deployment.release_id)
    who = (deployment.deployed_by, deployment.deployed_by_name)
    cause = f"Release {release.version} was deployed to {deployment.environment.name}"
    _deploy(
        event,
        release,
        who,
        cause,
        clock,
        succeeded=succeeded_environments([release])[release.pk],
        newly=deployment.environment_id,
    )


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
    event: Event,
    release: Release,
    who: tuple[str, str],
    cause: str,
    clock: Clock,
    *,
    succeeded: Collection[int],
    newly: int | None = None,
) -> None:
    views = phases_of(lifecycle_of(release.channel))
    automatic = {view.id: view.automatic for view in views}
    if not any(automatic.values()):
        return
    entered = entered_environments(
        [phase_of_view(view) for view in views],
        automatic,
        succeeded=succeeded,
        newly=newly,
    )
    environments = Environment.objects.in_space(release.space).in_bulk(
        [number for _, number in entered]
    )
    for phase, number in entered:
        outcome, reason, results = _to_environment(release, environments[number], phase, who, clock)
        decision = Decision(
            outcome,
            cause,
            reason,
            event_id=event.public_id,
            release_id=release.public_id,
            environment_id=environments[number].public_id,
            results=results,
        )
        log_decision(release.project, decision, clock=clock)


def _to_environment(
    release: Release, environment: Environment, phase: str, who: tuple[str, str], clock: Clock
) -> tuple[Outcome, str, tuple[str, ...]]:
    """Deploy once per release and environment; return outcome, reason and what was made."""
    where = f"{environment.name}, which the phase {phase} deploys to by itself"
    there = Deployment.objects.in_space(release.space).filter(
        release=release, environment=environment, tenant_number=None
    )
    if there.exists():
        return Outcome.NOTHING, f"It was deployed to {where}, before.", ()
    person, name = who

    def deploy() -> Deployment:
        return create_deployment(
            actor=actor_behind(person, name, reason=f"the phase {phase} deploys by itself"),
            release=release,
            environment=environment,
            options=DeploymentOptions(comments=f"Deployed by the phase {phase} by itself."),
            clock=clock,
        )

    deployment, refusal = attempt(deploy, name=name)
    if deployment is None:
        return Outcome.REFUSED, f"It was not deployed to {where}: {refusal}", ()
    return Outcome.DEPLOYED, f"It is deployed to {where}.", (deployment.public_id,)
