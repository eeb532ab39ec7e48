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
from tenants.models import Tenant
from tenants.queries import chosen_tenants, tenants_of_project


def tenants_meant(trigger: ProjectTrigger) -> list[Tenant]:
    """Return the tenants that the trigger means, none when it acts without one; raises Invalid."""
    ids, tags = trigger.action["TenantIds"], trigger.action["TenantTags"]
    if not ids and not tags:
        return []
    # All of them; whom somebody may not deploy for is refused with the reason.
    everybody = Actor.system(f"trigger {trigger.name}")
    rows = tenants_of_project(everybody, trigger.project, Permission.TenantView)
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
    cause: str,
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
                cause=cause[:LONGEST_CAUSE],
                due=clock(),
            )
            for tenant in whom
        ]
    )
