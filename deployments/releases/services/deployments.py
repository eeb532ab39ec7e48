"""Creating deployments: every check, then the deployment and its task in one transaction."""

from typing import Any

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.infrastructure.models import Environment
from deployments.projects.settings import deployment_settings
from deployments.releases.changes.queries import standing_of
from deployments.releases.changes.template import written_changes
from deployments.releases.eligibility import refusal
from deployments.releases.freezes.holding import freezes_for
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions
from deployments.releases.progression import Progression
from deployments.releases.queries import progression_of
from deployments.releases.services.choices import (
    require_machines,
    require_plan,
    require_times,
    require_values,
    required_answers,
    stored_options,
)
from deployments.releases.services.freezes import require_unfrozen
from deployments.releases.services.queueing import queue_task
from deployments.releases.tenancy.standings import why_not_for_tenant
from deployments.server_tasks.services import supersede_queued
from deployments.server_tasks.services.current import mark_current
from deployments.server_tasks.services.enqueue import PARENT_TASK
from tenants.models import Tenant
from tenants.queries import TenantScope, tenant_scope


def create_deployment(
    *,
    actor: Actor,
    release: Release,
    environment: Environment,
    tenant: Tenant | None = None,
    options: DeploymentOptions = DeploymentOptions(),  # noqa: B008 frozen
    clock: Clock = utc_now,
) -> Deployment:
    """Queue a deployment of the release; raises NotPermitted, or Invalid that says why not."""
    project, scope = release.project, tenant_scope(tenant)
    _require_permission(actor, release, environment, tenant)
    progression = _require_possible(release, environment, tenant)
    require_values(release, environment, scope)
    overridden = _overridden(actor, release, environment, tenant, options, clock)
    require_times(options, clock)
    require_machines(environment, options)
    require_plan(release, environment, scope, options)
    answers = required_answers(actor, release, environment, scope, options)
    with transaction.atomic():
        task = queue_task(actor, release, environment, options, clock, progression, tenant=scope)
        deployment = Deployment(
            space=release.space,
            project=project,
            release=release,
            channel=release.channel,
            environment=environment,
            tenant_number=tenant.pk if tenant else None,
            task=task,
            comments=options.comments,
            created=clock(),
            deployed_by=actor.public_id,
            deployed_by_name=actor.username,
        )
        deployment.options = {
            **stored_options(deployment, options, answers),
            **standing_of(release, environment.pk, deployment.tenant_number),
            **overridden,
        }
        deployment.save(force_insert=True)
        _write_changes(deployment)
        task.arguments = {"DeploymentId": deployment.public_id}
        if options.parent_task:
            task.arguments[PARENT_TASK] = options.parent_task
        mark_current(task)
        task.save(update_fields=["arguments", "is_current"])
        _record(actor, deployment, clock, scope)
        if deployment_settings(project.settings).cancel_superseded_queued:
            supersede_queued(task=task, clock=clock)
    return deployment


def _write_changes(deployment: Deployment) -> None:
    """Keep the text of the changes with a deployment of a project that has a template for it."""
    if written := written_changes(deployment):
        deployment.options |= written
        deployment.save(update_fields=["options"])


def _require_permission(
    actor: Actor, release: Release, environment: Environment, tenant: Tenant | None
) -> None:
    require(
        actor,
        release.space,
        Permission.DeploymentCreate,
        project=release.project_id,
        project_group=release.project.group_id,
        environment=environment.pk,
        tenant=tenant.pk if tenant else None,
    )


def require_progression(
    progression: Progression, release: Release, environment: Environment
) -> None:
    """Raise Invalid when the lifecycle does not let the release go to the environment."""
    if text := refusal(progression, environment.pk, version=release.version, name=environment.name):
        raise Invalid(text)


def _require_possible(
    release: Release, environment: Environment, tenant: Tenant | None
) -> Progression:
    """Return how far the release has come. Raises Invalid when it may not go there."""
    project = release.project
    if environment.space_id != release.space_id:
        raise Invalid("The environment does not exist in this space.")
    if project.is_disabled:
        raise Invalid(f"The project '{project.name}' is disabled: it cannot be deployed.")
    if tenant is not None and tenant.space_id != release.space_id:
        raise Invalid("The tenant does not exist in this space.")
    if reason := why_not_for_tenant(release, tenant, environment):
        raise Invalid(reason)
    progression = progression_of(release, tenant)
    require_progression(progression, release, environment)
    return progression


def _overridden(
    actor: Actor,
    release: Release,
    environment: Environment,
    tenant: Tenant | None,
    options: DeploymentOptions,
    clock: Clock,
) -> dict[str, Any]:
    """Return what is stored of the freezes that the deployment passes; raises Invalid."""
    if options.trigger is not None and options.trigger.is_for_targets:
        return {}
    held = freezes_for(
        release.space,
        project=release.project_id,
        environment=environment.pk,
        tenant=tenant.pk if tenant else None,
        at=clock(),
    )
    ids = require_unfrozen(
        actor,
        release.space,
        held,
        reason=options.freeze_reason,
        names=options.freeze_names,
    )
    return {"freezes": ids, "freeze_reason": options.freeze_reason.strip()} if ids else {}


def _record(actor: Actor, deployment: Deployment, clock: Clock, tenant: TenantScope | None) -> None:
    release = deployment.release
    whom = f" for {tenant.name}" if tenant else ""
    events.record(
        actor=actor,
        space=deployment.space,
        category="DeploymentQueued",
        message=(
            f"Deployment of {release.project.name} release {release.version} to"
            f" {deployment.environment.name}{whom} was queued"
        ),
        subject=deployment.public_id,
        related=[
            release.project.public_id,
            release.public_id,
            deployment.environment.public_id,
            deployment.task.public_id,
            release.channel.public_id,
            tenant.public_id if tenant else "",
        ],
        clock=clock,
    )
    if freezes := deployment.options.get("freezes"):
        events.record(
            actor=actor,
            space=deployment.space,
            category="DeploymentFreezeOverridden",
            message=(
                f"{', '.join(freezes)} was overridden for {release.project.name} release"
                f" {release.version} to {deployment.environment.name}:"
                f" {deployment.options['freeze_reason']}"
            ),
            subject=deployment.public_id,
            related=[*freezes, release.project.public_id, deployment.environment.public_id],
            clock=clock,
        )
