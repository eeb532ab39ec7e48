"""Machine policies: the seeded default, and changing them."""

from collections.abc import Mapping
from typing import Any, Final, Unpack

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import require_free_name, required_name
from deployments.infrastructure.health.policy import (
    CONNECTIVITY,
    DELETE,
    MAY_BE_OFFLINE,
    HealthPolicy,
    WrongPolicy,
    health_policy,
)
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
        # Not among the wire's known ones: when agents are upgraded whose behavior is Update.
        "TentacleUpdateMoment": "HealthCheck",
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
# The values of the wire, part by part; clients refuse a policy with another one.
_CHOICES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "MachineHealthCheckPolicy": {"HealthCheckType": ("RunScript", CONNECTIVITY)},
    "MachineConnectivityPolicy": {
        "MachineConnectivityBehavior": ("ExpectedToBeOnline", MAY_BE_OFFLINE)
    },
    "MachineCleanupPolicy": {"DeleteMachinesBehavior": ("DoNotDelete", DELETE)},
    "MachineUpdatePolicy": {
        "CalamariUpdateBehavior": ("UpdateOnDeployment", "UpdateOnNewMachine", "UpdateAlways"),
        "TentacleUpdateBehavior": ("NeverUpdate", "Update"),
        "TentacleUpdateMoment": ("HealthCheck", "Connection"),
        "KubernetesAgentUpdateBehavior": ("NeverUpdate", "Update", "Block"),
    },
    "MachinePackageCacheRetentionPolicy": {"Strategy": ("Default", "Quantities")},
}
_RUN_TYPES: Final = ("InheritFromDefault", "Inline")
_SCRIPTS: Final = ("BashHealthCheckPolicy", "PowerShellHealthCheckPolicy")


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
    whole = policy_document(known)
    for part, choices in _CHOICES.items():
        for name, allowed in choices.items():
            _require_one_of(part, name, whole[part][name], allowed)
    checks = whole["MachineHealthCheckPolicy"]
    for name in _SCRIPTS:
        script = checks[name]
        if not isinstance(script, Mapping):
            raise Invalid(fields={"MachineHealthCheckPolicy": [f"{name} must be an object."]})
        run_type = script.get("RunType")
        _require_one_of("MachineHealthCheckPolicy", "RunType", run_type, _RUN_TYPES)
    try:
        health_policy(whole)
    except WrongPolicy as error:
        raise Invalid(fields={error.field: [error.message]}) from error
    return known


def _require_one_of(part: str, name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        text = f"{name} must be {' or '.join(allowed)}, not '{value}'."
        raise Invalid(fields={part: [text]})


def _snapshot(policy: MachinePolicy) -> dict[str, Any]:
    return {"Name": policy.name, "Description": policy.description, **policy.document}


def _record(
    actor: Actor,
    policy: MachinePolicy,
    category: str,
    verb: str,
    **snapshots: Unpack[events.Snapshots],
) -> None:
    events.record(
        actor=actor,
        space=policy.space,
        category=category,
        message=f"Machine policy {policy.name} was {verb}",
        subject=policy.public_id,
        **snapshots,
    )
