"""Deploying, or running a runbook, in several environments and for several tenants: all or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from django.db import transaction

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.infrastructure.models import Environment
from deployments.projects.models import Runbook
from deployments.releases.models import Deployment, Frozen, Release, RunbookRun, RunbookSnapshot
from deployments.releases.options import DeploymentOptions
from deployments.releases.prompts import prompts_for
from deployments.releases.services.deployments import create_deployment
from deployments.releases.services.runbook_runs import create_runbook_run
from tenants.models import Tenant
from tenants.queries import TenantScope

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a release goes or a runbook runs, for a tenant or for none."""

    environment: Environment
    tenant: Tenant | None = None

    def __str__(self) -> str:
        name = self.environment.name
        return f"{name} for {self.tenant.name}" if self.tenant else name


OptionsFor = Callable[[Place], DeploymentOptions]


def create_deployments(
    *,
    actor: Actor,
    release: Release,
    places: Sequence[Place],
    options: OptionsFor,
    clock: Clock = utc_now,
) -> list[Deployment]:
    """Queue one deployment for each place, in their order, with the options for it.

    Raises Invalid that says for each place why it cannot be; then nothing is queued.
    """
    return _in_each(
        places,
        lambda place: create_deployment(
            actor=actor,
            release=release,
            environment=place.environment,
            tenant=place.tenant,
            options=options(place),
            clock=clock,
        ),
    )


def create_runbook_runs(
    *,
    actor: Actor,
    runbook: Runbook,
    places: Sequence[Place],
    options: OptionsFor,
    snapshot: RunbookSnapshot | None = None,
    clock: Clock = utc_now,
) -> list[RunbookRun]:
    """Queue one run for each place, in their order, with the options for it.

    Raises Invalid that says for each place why it cannot be; then nothing is queued.
    """
    return _in_each(
        places,
        lambda place: create_runbook_run(
            actor=actor,
            runbook=runbook,
            snapshot=snapshot,
            environment=place.environment,
            tenant=place.tenant,
            options=options(place),
            clock=clock,
        ),
    )


def _in_each(places: Sequence[Place], create: Callable[[Place], T]) -> list[T]:
    if not places:
        raise Invalid("Choose at least one environment.")
    errors: list[str] = []
    created = []
    with transaction.atomic():
        for place in places:
            try:
                # A refusal inside leaves nothing of its own behind.
                with transaction.atomic():
                    created.append(create(place))
            except NotPermitted as error:
                if len(places) == 1:
                    raise
                errors.append(f"{place}: {error.message}")
            except Invalid as error:
                if len(places) == 1:
                    raise
                errors += [f"{place}: {text}" for text in error.errors]
        if errors:
            raise Invalid(*errors)
    return created


def with_answers_of(
    frozen: Frozen,
    environment: Environment,
    options: DeploymentOptions,
    tenant: TenantScope | None = None,
) -> DeploymentOptions:
    """Return the options with those answers that are asked for in the environment.

    Answers to all places come in one form; each asks only its own.
    """
    prompts = prompts_for(frozen, environment=environment.public_id, tenant=tenant)
    known = {key.lower() for prompt in prompts for key in (prompt.id, prompt.name)}
    answers = {key: text for key, text in options.form_values.items() if key.lower() in known}
    return replace(options, form_values=answers)
