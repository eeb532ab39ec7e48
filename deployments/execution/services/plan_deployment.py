"""Makes plan and manifest of a deployment or run when it starts, from what was frozen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.language import LanguageError, VariableSet, evaluate
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from deployments.base.secrets import Secret
from deployments.base.settings_rows import get_setting
from deployments.execution.manifest import ActionData, MachineData, Manifest, Value
from deployments.execution.models import ExecutionPlan
from deployments.execution.plan import (
    DEFAULT_PARALLELISM,
    DEFAULT_START_WITHIN_S,
    Plan,
    PlannedStep,
    plan_to_json,
)
from deployments.execution.planner import PlanInput, Target, is_chosen, make_plan
from deployments.execution.queries import deployment_of, run_of
from deployments.execution.services.logs.settings import MIB, log_settings
from deployments.execution.services.packages.files import PackagesByAction, package_files
from deployments.execution.services.places import Workers, pools_of, targets_for
from deployments.execution.services.references import with_references
from deployments.execution.services.situation import seal_manifest
from deployments.execution.services.system_variables import system_variables
from deployments.execution.steps.registry import action_kinds
from deployments.execution.ties import tie_warnings
from deployments.infrastructure.models import Machine
from deployments.library.scoping import Candidate, ScopeContext, Winner, resolve_all
from deployments.library.values import open_candidate
from deployments.projects.process import Action, Process, open_properties
from deployments.releases.freezes.holding import require_no_freeze_at_start
from deployments.releases.models import Run
from deployments.releases.queries import process_of_release
from deployments.releases.variables import (
    deployment_candidates,
    deployment_context,
    tenant_variables,
)
from deployments.server_tasks.models import ServerTask
from tenants.queries import TenantScope, tenant_of, tenant_scope

START_WITHIN_SETTING = "execution.start_within_s"
_HIDDEN = "********"
_PARALLELISM = "Octopus.Action.MaxParallelism"
_ACQUIRE_PARALLELISM = "Octopus.Acquire.MaxParallelism"
_SKIP_INSTALLED = "Octopus.Action.Package.SkipIfAlreadyInstalled"
_WORKER_LEASE_CAP = "Octopus.Deployment.WorkerLeaseCap"


def plan_deployment(task: ServerTask, *, clock: Clock = utc_now) -> ExecutionPlan:
    """Return the unsaved plan of a deployment. Raises Invalid when it cannot be planned."""
    deployment = deployment_of(task)
    require_no_freeze_at_start(deployment, at=clock())
    return _stored_plan(deployment, task, clock)


def plan_runbook_run(task: ServerTask, *, clock: Clock = utc_now) -> ExecutionPlan:
    """Return the unsaved plan of a runbook run. Raises Invalid when it cannot be planned."""
    run = run_of(task)
    return _stored_plan(run, task, clock)


def _stored_plan(deployment: Run, task: ServerTask, clock: Clock) -> ExecutionPlan:
    known = _known(deployment, task)
    # Before the plan is made: while packages are on their way, every other second asks for them.
    packages = package_files(
        deployment,
        known.process,
        known.values,
        since=task.started or task.queued,
        clock=clock,
    )
    planned = _planned(deployment, known)
    source, plan = planned.source, planned.plan
    _require_targets(deployment, source, plan)
    manifest = Manifest(
        candidates=known.candidates,
        system={
            **known.system,
            **machines_in_role((target.id, sorted(target.roles)) for target in source.targets),
        },
        actions={
            action.id: _action_data(deployment, action, packages)
            for _, action in known.process.actions()
        },
        machines={
            target.id: MachineData(target.name, tuple(sorted(target.roles)))
            for target in source.targets
        },
        **_scope(known.context),
    )
    manifest = with_references(manifest, plan, deployment)
    return ExecutionPlan(
        space=task.space,
        task=task,
        document=plan_to_json(plan),
        places=plan.places,
        sealed_variables=seal_manifest(manifest, task.pk),
        created=clock(),
    )


def plan_source(
    deployment: Run, candidates: Sequence[Candidate], system: Mapping[str, str]
) -> PlanInput:
    """Return what a plan is made from now, with the variables that were frozen at the start."""
    tenant = tenant_scope(tenant_of(deployment.space, deployment.tenant_number))
    context = deployment_context(deployment, tenant)
    values = _values(resolve_all(candidates, context), system)
    return _plan_input(deployment, process_of_release(deployment.frozen), values, tenant)


@dataclass(frozen=True, slots=True)
class Known:
    """What a plan is made from besides targets and workers."""

    process: Process
    tenant: TenantScope | None
    candidates: tuple[Candidate, ...]
    context: ScopeContext
    system: dict[str, str]
    values: VariableSet
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedDeployment:
    """A plan with what it was made from."""

    known: Known
    source: PlanInput
    plan: Plan


def planned_deployment(
    deployment: Run,
    task: ServerTask,
    *,
    hides_sensitive: bool = False,
    machines: Sequence[Machine] | None = None,
) -> PlannedDeployment:
    """Plan a deployment, stored or not; when it shall be seen, without sensitive values.

    Give `machines` when those of the environment have been read already.
    """
    known = _known(deployment, task, hides_sensitive=hides_sensitive)
    return _planned(deployment, known, machines)


def _known(deployment: Run, task: ServerTask, *, hides_sensitive: bool = False) -> Known:
    tenant = tenant_scope(tenant_of(deployment.space, deployment.tenant_number))
    context = deployment_context(deployment, tenant)
    process = process_of_release(deployment.frozen)
    candidates = tuple(_opened(entry) for entry in deployment_candidates(deployment))
    shown = tuple(map(_hidden, candidates)) if hides_sensitive else candidates
    system = {**system_variables(deployment, task), **tenant_variables(tenant)}
    winners = resolve_all(shown, context)
    warnings = tuple(tie_warnings(winners))
    return Known(process, tenant, candidates, context, system, _values(winners, system), warnings)


def _planned(
    deployment: Run, known: Known, machines: Sequence[Machine] | None = None
) -> PlannedDeployment:
    source = _plan_input(deployment, known.process, known.values, known.tenant, machines)
    plan = make_plan(source)
    plan = replace(plan, warnings=(*plan.warnings, *known.warnings))
    return PlannedDeployment(known, source, plan)


def _hidden(candidate: Candidate) -> Candidate:
    return candidate._replace(value=_HIDDEN) if candidate.is_sensitive else candidate


def _require_targets(deployment: Run, source: PlanInput, plan: Plan) -> None:
    """Raise Invalid when the targets that were there at creation are gone.

    Those that the project leaves out do not count as gone (infrastructure.md 4.3).
    """
    about_targets = [step for step in plan.steps if step.roles]
    settings = deployment.frozen.settings_in_force
    if (
        not about_targets
        or settings.allow_no_targets
        or any(_was_left_out(source, target, about_targets) for target in source.targets)
        or not all(step.skip_reason for step in about_targets)
    ):
        return
    raise Invalid("The deployment has no target any more. Add one, or deploy again.")


def _was_left_out(source: PlanInput, target: Target, steps: list[PlannedStep]) -> bool:
    """Tell whether the project left out a target that a step is about."""
    tags = {role.lower() for role in target.roles}
    wanted = {role.lower() for step in steps for role in step.roles}
    return bool(target.skip_reason and tags & wanted and is_chosen(source, target))


def _values(winners: Mapping[str, Winner], system: Mapping[str, str]) -> VariableSet:
    return VariableSet({**{n: winner.candidate.value for n, winner in winners.items()}, **system})


def _plan_input(
    deployment: Run,
    process: Process,
    values: VariableSet,
    tenant: TenantScope | None,
    machines: Sequence[Machine] | None = None,
) -> PlanInput:
    space, options = deployment.space, deployment.options
    settings = deployment.frozen.settings_in_force

    def evaluated(text: str) -> str:
        try:
            return evaluate(text, values).text
        except LanguageError:
            return text

    def number(name: str, default: int) -> int:
        found = whole_number(evaluated(values.get(name) or "").strip())
        return default if found is None else found

    pool, pool_names = pools_of(space)
    parallelism = number(_PARALLELISM, 0)
    return PlanInput(
        process=process,
        targets=targets_for(space, deployment.environment, settings, tenant, machines),
        workers=Workers(space, pool),
        kinds=action_kinds(),
        environment=f"Environments-{deployment.environment_id}",
        channel=deployment.frozen.channel_scope,
        tenant_tags=frozenset(tenant.tags) if tenant else frozenset(),
        default_pool=pool,
        pool_names=pool_names,
        skip_actions=frozenset(options.get("skip_actions") or ()),
        specific_machines=frozenset(options.get("specific_machines") or ()),
        excluded_machines=frozenset(options.get("excluded_machines") or ()),
        specific_tags=frozenset(options.get("specific_tags") or ()),
        excluded_tags=frozenset(options.get("excluded_tags") or ()),
        parallelism=parallelism or DEFAULT_PARALLELISM,
        parallelism_is_set=parallelism > 0,
        acquire_parallelism=number(_ACQUIRE_PARALLELISM, DEFAULT_PARALLELISM),
        worker_lease_cap=number(_WORKER_LEASE_CAP, 0),
        spool_cap=log_settings().largest_output_mib * MIB,
        guided_failure=bool(options.get("use_guided_failure")),
        start_within_s=float(get_setting(START_WITHIN_SETTING, DEFAULT_START_WITHIN_S)),
        evaluate=evaluated,
    )


def _scope(context: ScopeContext) -> dict[str, Any]:
    return {
        "tenant": context.tenant,
        "tenant_tags": tuple(sorted(context.tenant_tags)),
        "environment": context.environment,
        "channel": context.channel,
        "process_owner": context.process_owner,
        "project": context.project,
    }


def _opened(candidate: Candidate) -> Candidate:
    """Return the candidate with its value in clear; the manifest is sealed as a whole."""
    value = open_candidate(candidate)
    text = value.reveal() if isinstance(value, Secret) else value
    return candidate._replace(value=text, sealed=None, place="")


def skips_installed(own: str, *, by_default: bool, is_forced: bool) -> str:
    """Return whether an action leaves alone a package that is installed already.

    `own` is what the step says, maybe with an expression; the project's default adds to it, and a
    deployment may ask for all packages again.
    """
    if is_forced:
        return "False"
    if own.strip().lower() in {"", "false"}:
        return str(by_default)
    return own


def _action_data(deployment: Run, action: Action, packages: PackagesByAction) -> ActionData:
    frozen = deployment.frozen
    owner_id = frozen.process_snapshot.owner_id
    opened = open_properties(action.properties, owner_id=owner_id, holder_id=action.id)
    properties = {
        name: Value(value.reveal(), is_sensitive=True)
        if isinstance(value, Secret)
        else Value(value)
        for name, value in opened.items()
    }
    files, error = packages.get(action.id, ((), ""))
    if any(not file.name for file in files):
        properties[_SKIP_INSTALLED] = Value(
            skips_installed(
                action.text(_SKIP_INSTALLED),
                by_default=frozen.settings_in_force.skip_if_installed,
                is_forced=bool(deployment.options.get("force_package_redeployment")),
            )
        )
    return ActionData(properties, files, error)


def machines_in_role(machines: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """Return the variables that name the machines of each tag."""
    by_role: dict[str, list[str]] = {}
    for machine_id, roles in machines:
        for role in roles:
            by_role.setdefault(role, []).append(machine_id)
    return {
        f"Octopus.Environment.MachinesInRole[{role}]": ",".join(ids)
        for role, ids in by_role.items()
    }
