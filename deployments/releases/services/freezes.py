"""Writing deployment freezes, and letting a deployment pass one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Unpack

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import allows, require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.api.dates import to_wire
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.releases.freezes.documents import (
    checked_zone,
    recurrence_document,
    recurrence_of,
)
from deployments.releases.freezes.holding import HeldBy
from deployments.releases.models import DeploymentFreeze, FreezeScope

_EARLIEST_YEAR: Final = 2000
_LATEST_YEAR: Final = 9000
_LONGEST_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class FreezePlace:
    """A project in an environment, for all deployments or for those of one tenant."""

    project: Project
    environment: Environment
    tenant: int | None = None


@dataclass(frozen=True, slots=True)
class FreezeInput:
    """What a freeze has. `recurrence` is the document of the wire."""

    name: str
    start: datetime
    end: datetime
    places: Sequence[FreezePlace] = ()
    time_zone: str = "UTC"
    recurrence: Mapping[str, Any] | None = None
    owner: Project | None = None


def create_freeze(
    *, actor: Actor, space: Space, freeze: FreezeInput, clock: Clock = utc_now
) -> DeploymentFreeze:
    """Create a freeze."""
    require(actor, space, Permission.DeploymentFreezeAdminister)
    row = DeploymentFreeze(space=space, created=clock())
    with transaction.atomic():
        _assign(row, freeze)
        row.save(force_insert=True)
        _store_places(row, freeze.places)
        _record(actor, row, "Created", "created", after=_snapshot(row))
    return row


def update_freeze(*, actor: Actor, row: DeploymentFreeze, freeze: FreezeInput) -> DeploymentFreeze:
    """Give the freeze these values."""
    require(actor, row.space, Permission.DeploymentFreezeAdminister)
    before = _snapshot(row)
    with transaction.atomic():
        _assign(row, freeze)
        row.save()
        _store_places(row, freeze.places)
        _record(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def delete_freeze(*, actor: Actor, row: DeploymentFreeze) -> None:
    """Delete a freeze; what it held may be deployed at once."""
    require(actor, row.space, Permission.DeploymentFreezeAdminister)
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", before=_snapshot(row))
        row.delete()


def require_unfrozen(
    actor: Actor,
    space: Space,
    held: Collection[HeldBy],
    *,
    reason: str = "",
    names: Collection[str] = (),
) -> list[str]:
    """Return the ids of the freezes that the actor overrides with the reason; none when free.

    `names` (or ids) limit what is overridden; without any it is all. Raises Invalid that says
    which freeze holds and who may pass it, or NotPermitted.
    """
    if not held:
        return []
    wanted = {name.strip().lower() for name in names} - {""}
    left = [
        each
        for each in held
        if wanted and not wanted & {each.freeze.name.lower(), each.freeze.public_id.lower()}
    ]
    if left or not reason.strip():
        sentences = [each.sentence for each in (left or held)]
        raise Invalid(
            *sentences, fields={"DeploymentFreezeOverrideReason": [_way_out(actor, space)]}
        )
    if len(reason) > _LONGEST_REASON:
        raise Invalid(f"The reason for the override is longer than {_LONGEST_REASON} characters.")
    if not allows(actor, space, Permission.DeploymentFreezeAdminister):
        raise NotPermitted(
            Permission.DeploymentFreezeAdminister, "a deployment freeze can be overridden with it"
        )
    return [each.freeze.public_id for each in held]


def _way_out(actor: Actor, space: Space) -> str:
    if allows(actor, space, Permission.DeploymentFreezeAdminister):
        return "Give a reason to deploy in spite of it."
    return (
        "Somebody with the permission DeploymentFreezeAdminister may deploy in spite of it, with"
        " a reason."
    )


def _assign(row: DeploymentFreeze, freeze: FreezeInput) -> None:
    row.name = required_name(freeze.name)
    start, end = freeze.start, freeze.end
    if not _EARLIEST_YEAR <= start.year <= end.year + 1 <= _LATEST_YEAR:
        raise Invalid(fields={"Start": [f"Give years from {_EARLIEST_YEAR} to {_LATEST_YEAR}."]})
    if end <= start:
        raise Invalid(fields={"End": ["The end must come after the start."]})
    row.start, row.end = start, end
    row.time_zone = checked_zone(freeze.time_zone)
    recurrence = recurrence_of(freeze.recurrence)
    if recurrence and recurrence.end_on and recurrence.end_on <= start:
        raise Invalid(fields={"RecurringSchedule": ["EndOnDate must come after the start."]})
    row.recurrence = recurrence_document(recurrence)
    row.owner = freeze.owner
    require_free_name(row, "A deployment freeze")
    row.slug = free_slug(row)


def _store_places(row: DeploymentFreeze, places: Iterable[FreezePlace]) -> None:
    FreezeScope.objects.filter(freeze=row).delete()
    chosen = {(each.project.pk, each.environment.pk, each.tenant): each for each in places}
    FreezeScope.objects.bulk_create(
        FreezeScope(
            freeze=row,
            project=each.project,
            environment=each.environment,
            tenant_number=each.tenant,
        )
        for each in chosen.values()
    )


def _snapshot(row: DeploymentFreeze) -> dict[str, Any]:
    scopes = FreezeScope.objects.filter(freeze=row).values_list(
        "project_id", "environment_id", "tenant_number"
    )
    return {
        "Name": row.name,
        "Start": to_wire(row.start),
        "End": to_wire(row.end),
        "TimeZone": row.time_zone,
        "RecurringSchedule": row.recurrence,
        "OwnerId": f"Projects-{row.owner_id}" if row.owner_id else None,
        "Scope": sorted(
            f"Projects-{project}/Environments-{environment}"
            + (f"/Tenants-{tenant}" if tenant else "")
            for project, environment, tenant in scopes
        ),
    }


def _record(
    actor: Actor,
    row: DeploymentFreeze,
    category: str,
    verb: str,
    **snapshots: Unpack[events.Snapshots],
) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Deployment freeze {row.name} was {verb}",
        subject=row.public_id,
        **snapshots,
    )
