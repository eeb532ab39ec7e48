"""The choices of a deployment or a run: whether they can be, and how they are stored."""

from datetime import timedelta
from typing import Any, Final

from deployments.base.actor import Actor
from deployments.base.clock import Clock
from deployments.base.errors import Invalid
from deployments.infrastructure.models import Environment, Machine, MachineEnvironment
from deployments.library.references import CHOSEN_TYPES
from deployments.library.services.references import problems_of_references
from deployments.releases.availability import missing_of
from deployments.releases.models import Frozen, Release, Run
from deployments.releases.options import DeploymentOptions
from deployments.releases.preview import PlannedAction, lacks_targets
from deployments.releases.prompts import checked_answers, prompts_for
from deployments.releases.services.planning import plan_of
from deployments.releases.variables import (
    form_place,
    frozen_candidates,
    seal_answers,
    seal_passed,
)
from tenants.queries import TenantScope
from tenants.variables import missing_names

_LATEST_START: Final = timedelta(days=30)


def uses_guided_failure(frozen: Frozen, environment: Environment, *, wish: bool | None) -> bool:
    """Return the wish, else the choice of project or runbook, else of the environment."""
    if wish is not None:
        return wish
    mode = frozen.settings_in_force.guided_failure
    return environment.use_guided_failure if mode == "EnvironmentDefault" else mode == "On"


def require_values(frozen: Frozen, environment: Environment, tenant: TenantScope | None) -> None:
    """Raise Invalid when the tenant left a value of the project open."""
    missing = missing_names(frozen.project, tenant, environment.pk) if tenant else []
    if tenant and missing:
        raise Invalid(
            f"The tenant '{tenant.name}' has no value for {', '.join(missing)} in the environment"
            f" '{environment.name}'. Fill it in on the page of the tenant's variables."
        )


def require_times(options: DeploymentOptions, clock: Clock) -> None:
    """Raise Invalid for a start or an expiry that cannot be."""
    if options.not_before is not None and options.not_before > clock() + _LATEST_START:
        raise Invalid(f"A deployment can start at most {_LATEST_START.days} days from now.")
    if options.expires is not None and options.expires <= (options.not_before or clock()):
        raise Invalid("The time after which the deployment may not start has already passed.")


def require_machines(environment: Environment, options: DeploymentOptions) -> None:
    """Raise Invalid for targets that are not in the environment."""
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


def require_plan(
    frozen: Frozen,
    environment: Environment,
    tenant: TenantScope | None,
    options: DeploymentOptions,
) -> None:
    """Raise Invalid when a step cannot be skipped or targets are missing."""
    planned = plan_of(
        frozen,
        environment,
        tenant=tenant,
        only=options.specific_machines,
        without=options.excluded_machines,
        only_tags=options.specific_tags,
        without_tags=options.excluded_tags,
        skipped=options.skip_actions,
    )
    _require_skippable(planned, options)
    if isinstance(frozen, Release):
        _require_packages(frozen, planned)
    if lacks_targets(planned) and not frozen.settings_in_force.allow_no_targets:
        raise Invalid(_no_targets(planned, environment, tenant))


def required_answers(
    actor: Actor,
    frozen: Frozen,
    environment: Environment,
    tenant: TenantScope | None,
    options: DeploymentOptions,
) -> dict[str, str]:
    """Return the answers to the prompts by variable name. Raises Invalid for those that cannot be.

    Of accounts, certificates and worker pools, whoever answers may name those that they may see,
    beside the one that is proposed.
    """
    prompts = prompts_for(frozen, environment=environment.public_id, tenant=tenant)
    answers = checked_answers(prompts, options.form_values)
    named = [
        (prompt.label, prompt.kind, text)
        for prompt in prompts
        if prompt.kind in CHOSEN_TYPES
        and (text := answers.get(prompt.name, ""))
        and text != prompt.default
    ]
    if problems := problems_of_references(actor, frozen.space, named):
        raise Invalid(*problems)
    return answers


def stored_options(
    deployment: Run, options: DeploymentOptions, answers: dict[str, str]
) -> dict[str, Any]:
    """Return the choices as they are stored; secrets sealed."""
    frozen, environment = deployment.frozen, deployment.environment
    settings = frozen.settings_in_force
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
            frozen, environment, wish=options.use_guided_failure
        ),
        "priority": options.priority,
        **_of_trigger(options),
        "passed_variables": seal_passed(options.passed_variables, deployment),
        "form_values": seal_answers(answers, form_place(deployment), frozen_candidates(frozen)),
    }


def _require_skippable(planned: tuple[PlannedAction, ...], options: DeploymentOptions) -> None:
    by_id = {action.action_id: action for action in planned}
    for action_id in options.skip_actions:
        action = by_id.get(action_id)
        if action is None:
            raise Invalid(f"The step to skip '{action_id}' is not part of this deployment.")
        if not action.can_be_skipped:
            raise Invalid(f"The step '{action.action_name}' is required and cannot be skipped.")


def _require_packages(release: Release, planned: tuple[PlannedAction, ...]) -> None:
    """Raise Invalid for packages that the steps would need and that are gone."""
    wanted = {action.action_name.lower() for action in planned if not action.is_skipped}
    gone = sorted(
        {
            f"{row.package_id} {row.version}"
            for row in missing_of(release)
            if row.action_name.lower() in wanted
        }
    )
    if gone:
        raise Invalid(
            f"Packages of the release '{release.version}' are missing: {', '.join(gone)}. Push them"
            " again, cut a release with others, or leave out the steps that need them."
        )


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


def _of_trigger(options: DeploymentOptions) -> dict[str, Any]:
    trigger = options.trigger
    if trigger is None:
        return {}
    return {
        "trigger_id": trigger.id,
        "trigger_name": trigger.name,
        "for_targets": trigger.is_for_targets,
    }
