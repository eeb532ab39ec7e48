"""Blocking and unblocking the progression of a release."""

from typing import Final

from django.db import IntegrityError, transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.releases.models import Defect, Release
from deployments.releases.queries import unresolved_defect

MOST_CHARACTERS: Final = 2000


def report_defect(
    *, actor: Actor, release: Release, description: str, clock: Clock = utc_now
) -> Defect:
    """Keep the release out of the phases that it has not succeeded in; raises Invalid."""
    require_on(actor, release, Permission.DefectReport)
    text = description.strip()
    if not text or len(text) > MOST_CHARACTERS:
        why = f"Say what is wrong with the release, in at most {MOST_CHARACTERS} characters."
        raise Invalid(fields={"Description": [why]})
    try:
        with transaction.atomic():
            row = Defect.objects.create(
                space=release.space,
                release=release,
                description=text,
                reported=clock(),
                reported_by=actor.username,
            )
            _record(actor, row, "DefectReported", "blocked", clock)
    except IntegrityError as error:
        raise Invalid(
            f"The progression of release '{release.version}' is blocked already."
        ) from error
    return row


def resolve_defect(*, actor: Actor, release: Release, clock: Clock = utc_now) -> Defect:
    """Let the release go on; raises Invalid when nothing blocks it."""
    require_on(actor, release, Permission.DefectResolve)
    with transaction.atomic():
        row = unresolved_defect(release)
        now = clock()
        changed = row is not None and Defect.objects.in_space(release.space).filter(
            pk=row.pk, resolved__isnull=True
        ).update(resolved=now, resolved_by=actor.username)
        if row is None or not changed:
            raise Invalid(f"The progression of release '{release.version}' is not blocked.")
        row.resolved, row.resolved_by = now, actor.username
        row.release = release
        _record(actor, row, "DefectResolved", "unblocked", clock)
    return row


def _record(actor: Actor, row: Defect, category: str, verb: str, clock: Clock) -> None:
    release = row.release
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=(
            f"Progression of release {release.version} of {release.project.name} was {verb}:"
            f" {row.description}"
        ),
        subject=release.public_id,
        related=[row.public_id, release.project.public_id, release.channel.public_id],
        clock=clock,
    )
