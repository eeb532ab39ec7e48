"""Creating, changing and deleting deployment targets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on, tenants_meant
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.infrastructure.models import (
    Environment,
    Machine,
    MachineEnvironment,
    MachinePolicy,
    MachineTenant,
)
from deployments.infrastructure.queries import stored_tenancy
from deployments.infrastructure.services.endpoints import checked_endpoint
from deployments.infrastructure.services.policies import default_policy
from deployments.library.tenancy import FoundTenancy, Tenancy, found_tenancy

# What decides about the deployments that a target takes part in.
_OF_DEPLOYMENTS: Final = (
    "Environments",
    "Roles",
    "TenantedDeploymentParticipation",
    "TenantIds",
    "TenantTags",
)


@dataclass(frozen=True, slots=True)
class MachineInput:
    """A deployment target as it shall be; `endpoint` in the wire's form.

    `tenancy` None keeps the tenants that it serves.
    """

    name: str
    environments: Sequence[Environment]
    roles: Sequence[str]
    slug: str = ""
    policy: MachinePolicy | None = None
    is_disabled: bool = False
    endpoint: Mapping[str, Any] = field(default_factory=dict)
    tenancy: Tenancy | None = None


def create_machine(
    *, actor: Actor, space: Space, machine: MachineInput, clock: Clock = utc_now
) -> Machine:
    """Create a target; without an agent it stays Unknown until one registers under its name."""
    numbers = [environment.pk for environment in machine.environments]
    tenancy = found_tenancy(space, machine.tenancy or Tenancy())
    meant = tenants_meant(space, tenancy.tenants, tenancy.tags)
    require(actor, space, Permission.MachineCreate, environment=numbers, tenant=meant)
    row = Machine(space=space, created=clock(), policy=machine.policy or default_policy(space))
    with transaction.atomic():
        _fill(actor, row, machine)
        serve_tenants(row, tenancy)
        row.save(force_insert=True)
        _place(row, machine.environments)
        store_tenants(row, tenancy)
        _record(actor, row, "Created", "created", after=_snapshot(row))
    return row


def update_machine(*, actor: Actor, row: Machine, machine: MachineInput) -> Machine:
    """Give the target these values; needs MachineEdit where it is and where it shall be."""
    require_on(actor, row, Permission.MachineEdit)
    numbers = [environment.pk for environment in machine.environments]
    if machine.tenancy is None:
        tenancy = stored_tenancy(row)
    else:
        tenancy = found_tenancy(row.space, machine.tenancy)
    meant = tenants_meant(row.space, tenancy.tenants, tenancy.tags)
    require(actor, row.space, Permission.MachineEdit, environment=numbers, tenant=meant)
    before = _snapshot(row)
    with transaction.atomic():
        _fill(actor, row, machine)
        if machine.policy is not None:
            row.policy = machine.policy
        serve_tenants(row, tenancy)
        row.save()
        _place(row, machine.environments)
        store_tenants(row, tenancy)
        _record_changes(actor, row, "changed", before)
    return row


def set_machine_disabled(*, actor: Actor, row: Machine, is_disabled: bool) -> Machine:
    """Take the target out of deployments, or back in."""
    require_on(actor, row, Permission.MachineEdit)
    before = _snapshot(row)
    with transaction.atomic():
        row.is_disabled = is_disabled
        row.save(update_fields=["is_disabled"])
        _record_changes(actor, row, "disabled" if is_disabled else "enabled", before)
    return row


def delete_machine(*, actor: Actor, row: Machine, clock: Clock = utc_now) -> None:
    """Delete the target; its agent's credential stops working."""
    require_on(actor, row, Permission.MachineDelete)
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", before=_snapshot(row))
        if row.agent is not None:
            row.agent.revoked = clock()
            row.agent.save(update_fields=["revoked"])
        row.delete()


def clean_roles(roles: Iterable[str]) -> list[str]:
    """Return target tags without repetition (ignoring case) or blanks; raises Invalid."""
    cleaned: dict[str, str] = {}
    for role in roles:
        text = role.strip()
        if not text or any(character.isspace() or character == "," for character in text):
            raise Invalid(fields={"Roles": [f"The target tag '{role}' has blanks or commas."]})
        cleaned.setdefault(text.lower(), text)
    return list(cleaned.values())


def _fill(actor: Actor, row: Machine, machine: MachineInput) -> None:
    row.name = required_name(machine.name)
    row.roles = clean_roles(machine.roles)
    row.is_disabled = machine.is_disabled
    missing = {}
    if not machine.environments:
        missing["EnvironmentIds"] = ["At least one environment is required."]
    if not row.roles:
        missing["Roles"] = ["At least one target tag is required."]
    if missing:
        raise Invalid(fields=missing)
    if any(environment.space_id != row.space_id for environment in machine.environments):
        raise Invalid(fields={"EnvironmentIds": ["An environment does not exist in this space."]})
    if machine.endpoint:
        row.endpoint = checked_endpoint(actor, row.space, machine.endpoint, row.endpoint)
    require_free_name(row, "A deployment target")
    row.slug = free_slug(row, machine.slug or row.slug)


def serve_tenants(row: Machine, tenancy: FoundTenancy) -> None:
    """Give the row what it keeps itself of the tenants that it serves."""
    row.tenanted_participation = tenancy.participation
    row.tenant_tags = list(tenancy.tags)


def store_tenants(row: Machine, tenancy: FoundTenancy) -> None:
    """Store the tenants that a saved row names; part of saving it."""
    MachineTenant.objects.filter(machine=row).delete()
    MachineTenant.objects.bulk_create(
        [MachineTenant(machine=row, tenant_number=number) for number in tenancy.tenants]
    )


def _place(row: Machine, environments: Iterable[Environment]) -> None:
    MachineEnvironment.objects.filter(machine=row).delete()
    MachineEnvironment.objects.bulk_create(
        [
            MachineEnvironment(machine=row, environment_id=number)
            for number in dict.fromkeys(environment.pk for environment in environments)
        ]
    )


def _snapshot(row: Machine) -> dict[str, Any]:
    links = MachineEnvironment.objects.filter(machine=row)
    numbers = links.values_list("environment_id", flat=True)
    served = MachineTenant.objects.filter(machine=row)
    tenants = served.values_list("tenant_number", flat=True)
    return {
        "Name": row.name,
        "Environments": [f"Environments-{number}" for number in sorted(numbers)],
        "Roles": list(row.roles),
        "IsDisabled": row.is_disabled,
        "MachinePolicyId": f"MachinePolicies-{row.policy_id}",
        "TenantedDeploymentParticipation": row.tenanted_participation,
        "TenantIds": [f"Tenants-{number}" for number in sorted(tenants)],
        "TenantTags": list(row.tenant_tags),
    }


def _record_changes(actor: Actor, row: Machine, verb: str, before: dict[str, Any]) -> None:
    """Record the change, and beside it what triggers wait for."""
    after = _snapshot(row)
    _record(actor, row, "Modified", verb, before=before, after=after)
    if before["IsDisabled"] != after["IsDisabled"]:
        state = "Disabled" if row.is_disabled else "Enabled"
        _record(actor, row, f"Machine{state}", state.lower(), before=after, after=after)
    if any(before[name] != after[name] for name in _OF_DEPLOYMENTS):
        category = "MachineDeploymentRelatedPropertyWasUpdated"
        what = "given other environments, target tags or tenants"
        _record(actor, row, category, what, before=after, after=after)


def _record(
    actor: Actor,
    row: Machine,
    category: str,
    verb: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    named = (after or before or {}).get("Environments", [])
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Deployment target {row.name} was {verb}",
        subject=row.public_id,
        related=named,
        before=before,
        after=after,
    )
