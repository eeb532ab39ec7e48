"""Lifecycles with their phases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Unpack

from django.db import transaction
from django.db.models import ProtectedError

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.infrastructure.models import Environment
from deployments.projects.models import Lifecycle, Phase, PhaseEnvironment
from deployments.projects.models.lifecycle import new_phase_id
from deployments.projects.retention import InvalidRetention, policy_from_json, stored_policy

DEFAULT_NAME: Final = "Default Lifecycle"
KEEP_FOREVER: Final[Mapping[str, Any]] = {
    "Strategy": "Forever",
    "Unit": "Items",
    "QuantityToKeep": 0,
    "ShouldKeepForever": True,
}


@dataclass(frozen=True, slots=True)
class PhaseInput:
    """A phase as it shall be; `minimum` 0 asks for all of its environments."""

    name: str
    manual: Sequence[Environment] = ()
    automatic: Sequence[Environment] = ()
    minimum: int = 0
    is_optional: bool = False
    is_priority: bool = False
    id: str = ""
    release_retention: Mapping[str, Any] | None = None
    tentacle_retention: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LifecycleInput:
    """A lifecycle as it shall be."""

    name: str
    description: str = ""
    phases: Sequence[PhaseInput] = ()
    release_retention: Mapping[str, Any] | None = None
    tentacle_retention: Mapping[str, Any] | None = None
    slug: str = ""


def seed_lifecycle(space: Space, actor: Actor) -> None:
    """Create the lifecycle of a new space: no phases, so all environments in their order."""
    del actor
    if not Lifecycle.objects.in_space(space).exists():
        Lifecycle.objects.create(space=space, name=DEFAULT_NAME, slug="default-lifecycle")


def create_lifecycle(*, actor: Actor, space: Space, lifecycle: LifecycleInput) -> Lifecycle:
    """Create a lifecycle."""
    require(actor, space, Permission.LifecycleCreate)
    row = Lifecycle(space=space)
    with transaction.atomic():
        _fill(row, lifecycle)
        row.save(force_insert=True)
        _write_phases(row, lifecycle.phases)
        _record(actor, row, "Created", "created", after=_snapshot(row))
    return row


def update_lifecycle(*, actor: Actor, row: Lifecycle, lifecycle: LifecycleInput) -> Lifecycle:
    """Give the lifecycle these values; applies at once to existing releases."""
    require(actor, row.space, Permission.LifecycleEdit)
    before = _snapshot(row)
    with transaction.atomic():
        _fill(row, lifecycle)
        row.save()
        Phase.objects.filter(lifecycle=row).delete()
        _write_phases(row, lifecycle.phases)
        _record(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def delete_lifecycle(*, actor: Actor, row: Lifecycle) -> None:
    """Delete a lifecycle that no project or channel uses."""
    require(actor, row.space, Permission.LifecycleDelete)
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", before=_snapshot(row))
        try:
            row.delete()
        except ProtectedError as error:
            names = sorted({str(user) for user in error.protected_objects})
            raise Invalid(
                f"The lifecycle '{row.name}' is used by {', '.join(names)}. Choose another"
                " lifecycle there first."
            ) from error


def _fill(row: Lifecycle, lifecycle: LifecycleInput) -> None:
    row.name = required_name(lifecycle.name)
    row.description = lifecycle.description
    row.release_retention = _plain(lifecycle.release_retention)
    row.tentacle_retention = _plain(lifecycle.tentacle_retention)
    _require_valid(row, lifecycle.phases)
    require_free_name(row, "A lifecycle")
    row.slug = free_slug(row, lifecycle.slug or row.slug)


def _require_valid(row: Lifecycle, phases: Sequence[PhaseInput]) -> None:
    errors = []
    seen: dict[int, str] = {}
    names: set[str] = set()
    for phase in phases:
        if not phase.name.strip():
            errors.append("Every phase needs a name.")
        if phase.name.strip().lower() in names:
            errors.append(f"More than one phase is named '{phase.name}'.")
        names.add(phase.name.strip().lower())
        environments = [*phase.manual, *phase.automatic]
        for environment in environments:
            if environment.space_id != row.space_id:
                errors.append("An environment does not exist in this space.")
            elif environment.pk in seen:
                errors.append(
                    f"The environment '{environment.name}' is in more than one place of the"
                    f" lifecycle ('{seen[environment.pk]}' and '{phase.name}')."
                )
            seen[environment.pk] = phase.name
        if phase.minimum < 0:
            errors.append(f"The phase '{phase.name}' asks for less than no environment.")
        if environments and phase.minimum > len(environments):
            errors.append(
                f"The phase '{phase.name}' asks for {phase.minimum} environments before promotion"
                f" but has {len(environments)}."
            )
    if errors:
        raise Invalid(*dict.fromkeys(errors))


def _write_phases(row: Lifecycle, phases: Sequence[PhaseInput]) -> None:
    used: set[str] = set()
    links = []
    for position, phase in enumerate(phases):
        guid = phase.id if phase.id and phase.id not in used else new_phase_id()
        used.add(guid)
        stored = Phase.objects.create(
            lifecycle=row,
            guid=guid[:36],
            position=position,
            name=phase.name.strip(),
            minimum_environments=phase.minimum,
            is_optional=phase.is_optional,
            is_priority=phase.is_priority,
            release_retention=_plain(phase.release_retention),
            tentacle_retention=_plain(phase.tentacle_retention),
        )
        for is_automatic, environments in ((True, phase.automatic), (False, phase.manual)):
            links += [
                PhaseEnvironment(phase=stored, environment=one, is_automatic=is_automatic)
                for one in environments
            ]
    PhaseEnvironment.objects.bulk_create(links)


def _plain(retention: Mapping[str, Any] | None) -> dict[str, Any] | None:
    try:
        policy_from_json(retention)
    except InvalidRetention as error:
        raise Invalid(str(error)) from error
    return dict(retention) if retention else None


def _kept(phase: Phase) -> str:
    """Say what a phase has of its own, for the history."""
    words = ["; priority"] if phase.is_priority else []
    if phase.release_retention:
        words.append(f"; releases: {stored_policy(phase.release_retention).words}")
    if phase.tentacle_retention:
        words.append(f"; files on targets: {stored_policy(phase.tentacle_retention).words}")
    return "".join(words)


def _snapshot(row: Lifecycle) -> dict[str, Any]:
    phases = []
    stored = Phase.objects.filter(lifecycle=row).prefetch_related("phase_environments")
    for phase in stored.order_by("position"):
        environments = [
            f"Environments-{link.environment_id}{' (automatic)' if link.is_automatic else ''}"
            for link in phase.phase_environments.all()
        ]
        optional = " (optional)" if phase.is_optional else ""
        phases.append(
            f"{phase.name}{optional}: {', '.join(environments) or 'all others'};"
            f" at least {phase.minimum_environments or 'all'}"
            f"{_kept(phase)}"
        )
    return {
        "Name": row.name,
        "Description": row.description,
        "Phases": phases,
        "ReleaseRetentionPolicy": row.release_retention,
        "TentacleRetentionPolicy": row.tentacle_retention,
    }


def _record(
    actor: Actor, row: Lifecycle, category: str, verb: str, **snapshots: Unpack[events.Snapshots]
) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Lifecycle {row.name} was {verb}",
        subject=row.public_id,
        **snapshots,
    )
