"""Where and for whom a trigger acts: what the ids in its action mean now."""

from collections.abc import Sequence

from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock
from deployments.base.errors import Invalid
from deployments.infrastructure.models import Environment
from deployments.projects.models import PendingDeployment, ProjectTrigger
from deployments.projects.services.decisions import LONGEST_CAUSE
from deployments.releases.services.automation.acting import plan_rollout
from deployments.releases.services.automation.by_trigger import Occasion
from tenants.models import Tenant
from tenants.queries import chosen_tenants, tenanted_mode, tenants_of_project


def tenants_meant(trigger: ProjectTrigger, occasion: Occasion | None = None) -> list[Tenant]:
    """Return the tenants that the trigger means, none when it acts without one; raises Invalid.

    A trigger that names none means the tenant of the occasion, if it is given and the project is
    deployed for it.
    """
    ids, tags = trigger.action["TenantIds"], trigger.action["TenantTags"]
    # All of them; whom somebody may not deploy for is refused with the reason.
    everybody = Actor.system(f"trigger {trigger.name}")
    rows = tenants_of_project(everybody, trigger.project, Permission.TenantView)
    if not ids and not tags:
        number = occasion.tenant_number if occasion else None
        if number is None or not tenanted_mode(trigger.project).allows_tenants:
            return []
        return [*rows.filter(pk=number)]
    found = chosen_tenants(rows, trigger.space, tenants=ids, tags=tags)
    if not found:
        raise Invalid("No tenant that is connected to the project is meant by the trigger.")
    return [*found]


def environment_meant(trigger: ProjectTrigger, text: str) -> Environment:
    """Return the environment of the id; raises Invalid when it is gone."""
    number = public_ids.parse(Environment.id_prefix, text)
    row = Environment.objects.in_space(trigger.space).filter(pk=number or 0).first()
    if row is None:
        raise Invalid(f"The environment {text} does not exist any more.")
    return row


def plan_for_tenants(
    trigger: ProjectTrigger,
    environment: Environment,
    whom: Sequence[Tenant],
    occasion: Occasion,
    clock: Clock,
    *,
    release: int | None = None,
    runbook: int | None = None,
) -> None:
    """Plan a deployment, or a run, for each tenant, which may be hundreds."""
    plan_rollout(
        [
            PendingDeployment(
                project=trigger.project,
                trigger=trigger,
                release_number=release,
                runbook_number=runbook,
                environment=environment,
                tenant_number=tenant.pk,
                cause=occasion.cause[:LONGEST_CAUSE],
                event_id=occasion.event_id,
                due=clock(),
            )
            for tenant in whom
        ]
    )
