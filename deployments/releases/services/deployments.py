"""Creating deployments: every check, then the deployment and its task in one transaction."""

from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.infrastructure.models import Environment, Machine, MachineEnvironment
from deployments.projects.settings import deployment_settings
from deployments.releases.freezes.holding import freezes_for
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions
from deployments.releases.preview import PlannedAction, lacks_targets
from deployments.releases.progression import Progression
from deployments.releases.prompts import checked_answers, prompts_for
from deployments.releases.queries import progression_of
from deployments.releases.services.freezes import require_unfrozen
from deployments.releases.services.planning import plan_of
from deployments.releases.services.queueing import queue_task
from deployments.releases.tenancy.standings import why_not_for_tenant
from deployments.releases.variables import (
    form_place,
    seal_answers,
    seal_passed,
    snapshot_candidates,
)
from deployments.server_tasks.services import supersede_queued
from deployments.server_tasks.services.enqueue import PARENT_TASK
from tenants.models import Tenant
from tenants.queries import TenantScope, tenant_scope
from tenants.variables import missing_names

_LATEST_START: Final = timedelta(days=30)


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
    _require_possible(release, environment, tenant)
    _require_values(release, environment, scope)
    overridden = _overridden(actor, release, environment, tenant, options, clock)
    _require_times(options, clock)
    _require_machines(environment, options)
    _require_plan(release, environment, scope, options)
    prompts = prompts_for(
        release, environment=environment.public_id, channel=release.channel, tenant=scope
    )
    answers = checked_answers(prompts, options.form_values)
    with transaction.atomic():
        task = queue_task(actor, release, environment, options, clock, tenant=scope)
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
        deployment.options = stored_options(deployment, options, answers) | overridden
        deployment.save(force_insert=True)
        task.arguments = {"DeploymentId": deployment.public_id}
        if options.parent_task:
            task.arguments[PARENT_TASK] = options.parent_task
        task.save(update_fields=["arguments"])
        _record(actor, deployment, clock, scope)
        if deployment_settings(project.settings).cancel_superseded_queued:
            supersede_queued(task=task, clock=clock)
    return deployment


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


def uses_guided_failure(release: Release, environment: Environment, *, wish: bool | None) -> bool:
    """Return the choice of the deployer, else of the project, else of the environment."""
    if wish is not None:
        return wish
    mode = deployment_settings(release.project.settings).guided_failure
    return environment.use_guided_failure if mode == "EnvironmentDefault" else mode == "On"


def require_progression(
    progression: Progression, release: Release, environment: Environment
) -> None:
    """Raise Invalid when the lifecycle does not let the release go to the environment."""
    state = progression.state_of(environment.pk)
    where = f"Release '{release.version}' cannot be deployed to '{environment.name}'"
    if state is None:
        raise Invalid(f"{where}: the environment is not part of the lifecycle of its channel.")
    blocking = progression.blocking(environment.pk)
    if blocking is not None:
        count = len(blocking.environments)
        needed = "all" if blocking.required == count else f"{blocking.required} of {count}"
        raise Invalid(
            f"{where} yet: it must first be deployed successfully to {needed} environments of the"
            f" phase '{blocking.phase.name}'."
        )
    if state.is_blocked:
        raise Invalid(f"{where}: its progression is prevented.")


def _require_possible(release: Release, environment: Environment, tenant: Tenant | None) -> None:
    project = release.project
    if environment.space_id != release.space_id:
        raise Invalid("The environment does not exist in this space.")
    if project.is_disabled:
        raise Invalid(f"The project '{project.name}' is disabled: it cannot be deployed.")
    if tenant is not None and tenant.space_id != release.space_id:
        raise Invalid("The tenant does not exist in this space.")
    if reason := why_not_for_tenant(release, tenant, environment):
        raise Invalid(reason)
    require_progression(progression_of(release, tenant), release, environment)


def _require_values(release: Release, environment: Environment, tenant: TenantScope | None) -> None:
    missing = missing_names(release.project, tenant, environment.pk) if tenant else []
    if tenant and missing:
        raise Invalid(
            f"The tenant '{tenant.name}' has no value for {', '.join(missing)} in the environment"
            f" '{environment.name}'. Fill it in on the page of the tenant's variables."
        )


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


def _require_times(options: DeploymentOptions, clock: Clock) -> None:
    if options.not_before is not None and options.not_before > clock() + _LATEST_START:
        raise Invalid(f"A deployment can start at most {_LATEST_START.days} days from now.")
    if options.expires is not None and options.expires <= (options.not_before or clock()):
        raise Invalid("The time after which the deployment may not start has already passed.")


def _require_machines(environment: Environment, options: DeploymentOptions) -> None:
    specific = options.specific_machines or options.specific_tags
    if specific and (options.excluded_machines or options.excluded_tags):
        raise Invalid("Choose the deployment targets to use or those to leave out, not both.")
    chosen = {*options.specific_machines, *options.excluded_machines}
    if not chosen:
        return
    links = MachineEnvironment.objects.filter(environment=environment)
    rows = Machine.objects.in_space(environment.space).filter(pk__in=links.values("machine_id"))
    here = {f"Machines-{number}" for number in rows.values_list("pk", flat=True)}
    missing = sorted(chosen - here)
    if missing:
        raise Invalid(
            f"There is no deployment target {', '.join(missing)} in the environment"
            f" '{environment.name}'."
        )


def _require_plan(
    release: Release,
    environment: Environment,
    tenant: TenantScope | None,
    options: DeploymentOptions,
) -> None:
    planned = plan_of(
        release,
        environment,
        tenant=tenant,
        only=options.specific_machines,
        without=options.excluded_machines,
        only_tags=options.specific_tags,
        without_tags=options.excluded_tags,
        skipped=options.skip_actions,
    )
    _require_skippable(planned, options)
    settings = deployment_settings(release.project.settings)
    if lacks_targets(planned) and not settings.allow_no_targets:
        raise Invalid(_no_targets(planned, environment, tenant))


def _require_skippable(planned: tuple[PlannedAction, ...], options: DeploymentOptions) -> None:
    by_id = {action.action_id: action for action in planned}
    for action_id in options.skip_actions:
        action = by_id.get(action_id)
        if action is None:
            raise Invalid(f"The step to skip '{action_id}' is not part of this deployment.")
        if not action.can_be_skipped:
            raise Invalid(f"The step '{action.action_name}' is required and cannot be skipped.")


def _no_targets(
    planned: tuple[PlannedAction, ...], environment: Environment, tenant: TenantScope | None
) -> str:
    roles = sorted({role for action in planned for role in action.roles})
    served = f" that serve the tenant '{tenant.name}'" if tenant else ""
    return (
        f"There are no deployment targets with the target tags {', '.join(roles)} in the"
        f" environment '{environment.name}'{served}. Add one, or allow deployments without"
        " targets in the project's settings."
    )


def stored_options(
    deployment: Deployment, options: DeploymentOptions, answers: dict[str, str]
) -> dict[str, Any]:
    """Return the choices as a deployment keeps them."""
    release, environment = deployment.release, deployment.environment
    settings = deployment_settings(release.project.settings)
    force = options.force_package_download
    return {
        "skip_actions": list(options.skip_actions),
        "specific_machines": list(options.specific_machines),
        "excluded_machines": list(options.excluded_machines),
        "specific_tags": list(options.specific_tags),
        "excluded_tags": list(options.excluded_tags),
        "force_package_download": settings.force_package_download if force is None else force,
        "force_package_redeployment": options.force_package_redeployment,
        "use_guided_failure": uses_guided_failure(
            release, environment, wish=options.use_guided_failure
        ),
        "priority": options.priority,
        **_of_trigger(options),
        "passed_variables": seal_passed(options.passed_variables, deployment),
        "form_values": seal_answers(
            answers, form_place(deployment), snapshot_candidates(release.variable_snapshot)
        ),
    }


def _of_trigger(options: DeploymentOptions) -> dict[str, Any]:
    trigger = options.trigger
    if trigger is None:
        return {}
    return {
        "trigger_id": trigger.id,
        "trigger_name": trigger.name,
        "for_targets": trigger.is_for_targets,
    }


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
