"""The plan of a deployment or a run before it is made: what the planner would make of it now.

The engine stands above this app and registers its planner here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.infrastructure.models import Environment, Machine
from deployments.releases.changes.queries import standing_of
from deployments.releases.models import (
    Deployment,
    Frozen,
    Release,
    Run,
    RunbookRun,
    RunbookSnapshot,
)
from deployments.releases.options import DeploymentOptions
from deployments.releases.prompts import prompts_for
from deployments.releases.services.choices import stored_options
from deployments.releases.services.planning import MachinesThere, machines_there
from tenants.queries import TenantScope

_UNSAVED: Final = 0
_MOST_NAMES: Final = 30


@dataclass(frozen=True, slots=True)
class ExactPlace:
    """A target (by its public id, or empty for the server) and who does the work there."""

    target: str
    name: str
    worker: str = ""
    error: str = ""


@dataclass(frozen=True)
class ExactAction:
    """An action with its places. `hidden` is how many more the viewer may not see."""

    number: str
    id: str
    name: str
    action_type: str
    places: tuple[ExactPlace, ...]
    hidden: int = 0
    condition: str = "Success"
    skip_reason: str = ""
    attempts: int = 1
    is_guided: bool = False
    features: tuple[str, ...] = ()

    @cached_property
    def errors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(place.error for place in self.places if place.error))

    @cached_property
    def workers(self) -> tuple[str, ...]:
        """Return the workers that do the work for others."""
        return tuple(dict.fromkeys(place.worker for place in self.places if place.worker))

    @cached_property
    def targets(self) -> tuple[ExactPlace, ...]:
        return tuple(place for place in self.places if place.target)

    @property
    def shown_targets(self) -> tuple[ExactPlace, ...]:
        """Return the targets that people are shown by name."""
        return self.targets[:_MOST_NAMES]

    @property
    def more_targets(self) -> int:
        return max(len(self.targets) - _MOST_NAMES, 0)


@dataclass(frozen=True, slots=True)
class ExactStep:
    """A step. `window` is how many targets a rolling one has under way; 0 is all at once."""

    number: int
    name: str
    window: int
    condition: str
    skip_reason: str
    actions: tuple[ExactAction, ...]


@dataclass(frozen=True, slots=True)
class ExactPlan:
    """Groups run one after the other, the steps of a group side by side."""

    groups: tuple[tuple[ExactStep, ...], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[ExactStep, ...]:
        return tuple(step for group in self.groups for step in group)


Planner = Callable[[Run, Sequence[Machine]], ExactPlan]
_planner: Planner | None = None


def register_planner(planner: Planner) -> None:
    """Register what plans a deployment or a run that is not stored."""
    global _planner  # noqa: PLW0603 set once while the apps load
    _planner = planner


def exact_plan(
    frozen: Frozen,
    environment: Environment,
    options: DeploymentOptions = DeploymentOptions(),  # noqa: B008 frozen
    *,
    viewer: Actor,
    tenant: TenantScope | None = None,
    clock: Clock = utc_now,
) -> ExactPlan:
    """Return the plan; targets that the viewer may not see are counted and not named."""
    run: Run
    if isinstance(frozen, Release):
        run = coming_deployment(
            frozen, environment, options, viewer=viewer, tenant=tenant, clock=clock
        )
    else:
        run = _coming_run(frozen, environment, options, viewer=viewer, tenant=tenant, clock=clock)
    return plan_of_coming(run, viewer=viewer)


def plan_of_coming(run: Run, *, viewer: Actor, there: MachinesThere | None = None) -> ExactPlan:
    """Return the plan of a deployment or run that is not stored, as the viewer may see it.

    Give `there` when the environment's machines have been read already.
    """
    if _planner is None:
        return ExactPlan()
    there = there or machines_there(run.space, run.environment, viewer)
    plan = _planner(run, there.machines)
    return _as_seen(plan, {f"Machines-{number}" for number in there.seen})


def coming_deployment(
    release: Release,
    environment: Environment,
    options: DeploymentOptions = DeploymentOptions(),  # noqa: B008 frozen
    *,
    viewer: Actor,
    tenant: TenantScope | None = None,
    clock: Clock = utc_now,
) -> Deployment:
    """Return the deployment that would be made, not stored and without a task."""
    deployment = Deployment(
        **_columns(release, environment, options, viewer, tenant, clock),
        release=release,
        channel=release.channel,
    )
    answers = _known_answers(release, environment, tenant, options.form_values)
    deployment.options = {
        **stored_options(deployment, options, answers),
        **standing_of(release, environment.pk, deployment.tenant_number),
    }
    return deployment


def _coming_run(
    snapshot: RunbookSnapshot,
    environment: Environment,
    options: DeploymentOptions,
    *,
    viewer: Actor,
    tenant: TenantScope | None,
    clock: Clock,
) -> RunbookRun:
    run = RunbookRun(
        **_columns(snapshot, environment, options, viewer, tenant, clock),
        runbook=snapshot.runbook,
        snapshot=snapshot,
    )
    answers = _known_answers(snapshot, environment, tenant, options.form_values)
    run.options = stored_options(run, options, answers)
    return run


def _columns(
    frozen: Frozen,
    environment: Environment,
    options: DeploymentOptions,
    viewer: Actor,
    tenant: TenantScope | None,
    clock: Clock,
) -> dict[str, Any]:
    return {
        "pk": _UNSAVED,
        "space": frozen.space,
        "project": frozen.project,
        "environment": environment,
        "tenant_number": tenant.number if tenant else None,
        "comments": options.comments,
        "created": clock(),
        "deployed_by": viewer.public_id,
        "deployed_by_name": viewer.username,
    }


def _known_answers(
    frozen: Frozen,
    environment: Environment,
    tenant: TenantScope | None,
    given: Mapping[str, str],
) -> dict[str, str]:
    """Return answers by variable name; what is missing or unknown is said when deploying."""
    prompts = prompts_for(frozen, environment=environment.public_id, tenant=tenant)
    names = {key.lower(): prompt.name for prompt in prompts for key in (prompt.id, prompt.name)}
    return {names[key.lower()]: text for key, text in given.items() if key.lower() in names}


def _as_seen(plan: ExactPlan, seen: set[str]) -> ExactPlan:
    # Actions share places, so each of them is looked at once.
    every = {id(action.places): action.places for step in plan.steps for action in step.actions}
    left = {
        key: tuple(place for place in places if not place.target or place.target in seen)
        for key, places in every.items()
    }
    names = {
        place.name
        for places in every.values()
        for place in places
        if place.target and place.target not in seen
    }
    if not names:
        return plan
    groups = tuple(
        tuple(
            replace(
                step,
                actions=tuple(
                    _action_as_seen(action, left[id(action.places)]) for action in step.actions
                ),
            )
            for step in group
        )
        for group in plan.groups
    )
    warnings = tuple(
        text for text in plan.warnings if not any(text.startswith(f"{name} ") for name in names)
    )
    return ExactPlan(groups, warnings)


def _action_as_seen(action: ExactAction, places: tuple[ExactPlace, ...]) -> ExactAction:
    return replace(action, places=places, hidden=len(action.places) - len(places))
