"""Machine policies: the seeded default, and changing them."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import require_free_name, required_name
from deployments.infrastructure.health.policy import HealthPolicy, WrongPolicy, health_policy
from deployments.infrastructure.models import Machine, MachinePolicy, Worker

DEFAULT_NAME: Final = "Default Machine Policy"

# Clients check these values when they read a policy: connect time-out at least 10 s, retries 2.
DEFAULTS: Final[Mapping[str, Any]] = {
    "MachineHealthCheckPolicy": {
        "HealthCheckType": "RunScript",
        "HealthCheckInterval": "01:00:00",
        "HealthCheckCron": None,
        "HealthCheckCronTimezone": "UTC",
        "PowerShellHealthCheckPolicy": {"RunType": "InheritFromDefault", "ScriptBody": None},
        "BashHealthCheckPolicy": {"RunType": "InheritFromDefault", "ScriptBody": None},
    },
    "MachineConnectivityPolicy": {"MachineConnectivityBehavior": "ExpectedToBeOnline"},
    "MachineCleanupPolicy": {
        "DeleteMachinesBehavior": "DoNotDelete",
        "DeleteMachinesElapsedTimeSpan": "01:00:00",
    },
    "MachineUpdatePolicy": {
        "CalamariUpdateBehavior": "UpdateOnDeployment",
        "TentacleUpdateBehavior": "NeverUpdate",
        "KubernetesAgentUpdateBehavior": "NeverUpdate",
        "TentacleUpdateAccountId": None,
    },
    "MachineRpcCallRetryPolicy": {
        "Enabled": True,
        "RetryDuration": "00:02:30",
        "HealthCheckRetryDuration": "00:02:30",
    },
    "MachinePackageCacheRetentionPolicy": {
        "Strategy": "Default",
        "QuantityOfPackagesToKeep": None,
        "PackageUnit": "Items",
        "QuantityOfVersionsToKeep": None,
        "VersionUnit": "Items",
    },
    "PollingRequestQueueTimeout": "00:02:00",
    "ConnectionRetrySleepInterval": "00:00:01",
    "ConnectionRetryCountLimit": 5,
    "ConnectionRetryTimeLimit": "00:05:00",
    "ConnectionConnectTimeout": "00:01:00",
}


def policy_document(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested parts with the defaults for what is not stored."""
    document: dict[str, Any] = {}
    for name, default in DEFAULTS.items():
        value = stored.get(name)
        if isinstance(default, Mapping):
            given = value if isinstance(value, Mapping) else {}
            document[name] = {**default, **given}
        else:
            document[name] = default if value is None else value
    return document


def health_policy_of(policy: MachinePolicy) -> HealthPolicy:
    """Return what the policy says about health checks. Raises WrongPolicy."""
    return health_policy(policy_document(policy.document))


def default_policy(space: Space) -> MachinePolicy:
    """Return the space's default policy."""
    policy = MachinePolicy.objects.in_space(space).filter(is_default=True).first()
    if policy is None:
        raise Invalid("The space has no default machine policy.")
    return policy


def seed_machine_policy(space: Space, actor: Actor) -> None:
    """Create the default policy of a new space."""
    del actor
    if not MachinePolicy.objects.in_space(space).exists():
        MachinePolicy.objects.create(space=space, name=DEFAULT_NAME, is_default=True)


def create_machine_policy(
    *,
    actor: Actor,
    space: Space,
    name: str,
    description: str = "",
    document: Mapping[str, Any] | None = None,
) -> MachinePolicy:
    """Create a policy that is not the default."""
    require(actor, space, Permission.MachinePolicyCreate)
    policy = MachinePolicy(
        space=space,
        name=required_name(name),
        description=description,
        document=_checked(document or {}),
    )
    with transaction.atomic():
        require_free_name(policy, "A machine policy")
        policy.save(force_insert=True)
        _record(actor, policy, "Created", "created", after=_snapshot(policy))
    return policy


def update_machine_policy(
    *,
    actor: Actor,
    policy: MachinePolicy,
    name: str,
    description: str = "",
    document: Mapping[str, Any] | None = None,
) -> MachinePolicy:
    """Give the policy these values."""
    require(actor, policy.space, Permission.MachinePolicyEdit)
    before = _snapshot(policy)
    policy.name = required_name(name)
    policy.description = description
    policy.document = _checked(document or {})
    policy.next_check = None
    with transaction.atomic():
        require_free_name(policy, "A machine policy")
        policy.save()
        _record(actor, policy, "Modified", "changed", before=before, after=_snapshot(policy))
    return policy


def delete_machine_policy(*, actor: Actor, policy: MachinePolicy) -> None:
    """Delete a policy; its machines fall back to the default one, which cannot be deleted."""
    require(actor, policy.space, Permission.MachinePolicyDelete)
    if policy.is_default:
        raise Invalid("The default machine policy cannot be deleted.")
    fallback = default_policy(policy.space)
    with transaction.atomic():
        Machine.objects.in_space(policy.space).filter(policy=policy).update(policy=fallback)
        Worker.objects.in_space(policy.space).filter(policy=policy).update(policy=fallback)
        _record(actor, policy, "Deleted", "deleted", before=_snapshot(policy))
        policy.delete()


def _checked(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known parts of a policy that can be followed. Raises Invalid."""
    known = {name: value for name, value in document.items() if name in DEFAULTS}
    try:
        health_policy(policy_document(known))
    except WrongPolicy as error:
        raise Invalid(fields={error.field: [error.message]}) from error
    return known


def _snapshot(policy: MachinePolicy) -> dict[str, Any]:
    return {"Name": policy.name, "Description": policy.description, **policy.document}


def _record(
    actor: Actor,
    policy: MachinePolicy,
    category: str,
    verb: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    events.record(
        actor=actor,
        space=policy.space,
        category=category,
        message=f"Machine policy {policy.name} was {verb}",
        subject=policy.public_id,
        before=before,
        after=after,
    )
