"""Snapshots of runbooks: freezing, publishing, changing, deleting, and the end of a runbook."""

import secrets
import string
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on, require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.naming import required_name
from deployments.library.scoping import ScopeContext, resolve_all
from deployments.projects.models import Runbook
from deployments.projects.queries import process_of_runbook, project_candidates, read_process
from deployments.projects.services.runbooks import record_runbook
from deployments.releases.models import RunbookSnapshot, RunbookSnapshotPackage
from deployments.releases.queries import runs_of, snapshots_of
from deployments.releases.selection import PackageSpec
from deployments.releases.services.packages import (
    NeededPackage,
    PackageWishes,
    SelectedPackage,
    hold_selection,
    needed_packages,
    refresh_feeds,
    select_packages,
    wished_version,
)
from deployments.releases.services.queueing import hold_queue_of
from deployments.releases.services.snapshots import freeze_library, freeze_process, freeze_variables
from deployments.releases.variables import plain_values
from deployments.server_tasks.states import FINISHED

_MOST_NAME = 200


def create_runbook_snapshot(
    *,
    actor: Actor,
    runbook: Runbook,
    name: str = "",
    notes: str = "",
    packages: Sequence[PackageSpec] = (),
    package_version: str = "",
    publish: bool = False,
    clock: Clock = utc_now,
) -> RunbookSnapshot:
    """Freeze process, variables and package versions as they are now; raises Invalid.

    Without a name one is made. `packages` name versions, `package_version` is for all others, else
    the newest is taken.
    """
    require_snapshots(actor, runbook)
    project = runbook.project
    process = process_of_runbook(runbook)
    if not process.steps:
        raise Invalid(f"The runbook '{runbook.name}' has no steps.")
    if project.variable_set is None:
        raise Invalid(f"The project '{project.name}' has no variable set.")
    wishes = PackageWishes(packages, package_version)
    needed = packages_of_runbook(runbook)
    refresh_feeds([need for need in needed if not wished_version(need, wishes)], clock=clock)
    with transaction.atomic():
        selected = select_packages(runbook.space, needed, None, wishes)
        hold_selection(runbook.space, selected)
        row = RunbookSnapshot.objects.create(
            space=runbook.space,
            project=project,
            runbook=runbook,
            name=_free_name(runbook, name),
            notes=notes,
            assembled=clock(),
            assembled_by=actor.username,
            process_snapshot=freeze_process(process, clock),
            variable_snapshot=freeze_variables(project.variable_set, clock),
            library_snapshots=freeze_library(project, clock),
        )
        _store_packages(row, selected)
        record_runbook(actor, runbook, "Modified", f"frozen in the snapshot {row.name}")
        if publish:
            publish_runbook_snapshot(actor=actor, snapshot=row)
    return row


def publish_runbook_snapshot(*, actor: Actor, snapshot: RunbookSnapshot) -> None:
    """Make it the one snapshot that is run by default and by those who may only run."""
    runbook = snapshot.runbook
    require_snapshots(actor, runbook)
    with transaction.atomic():
        # Two who publish at once come one after the other: the row is held until the end.
        Runbook.objects.in_space(runbook.space).filter(pk=runbook.pk).update(name=F("name"))
        before = snapshots_of(runbook).filter(is_published=True).first()
        rows = RunbookSnapshot.objects.in_space(runbook.space).filter(runbook=runbook)
        rows.filter(is_published=True).update(is_published=False)
        rows.filter(pk=snapshot.pk).update(is_published=True)
        snapshot.is_published = True
        record_runbook(
            actor,
            runbook,
            "Modified",
            f"published as the snapshot {snapshot.name}",
            before={"Published": before.name if before else ""},
            after={"Published": snapshot.name},
        )


def update_runbook_snapshot(
    *, actor: Actor, snapshot: RunbookSnapshot, name: str, notes: str
) -> RunbookSnapshot:
    """Give the snapshot another name and notes; what it froze stays. Raises Invalid."""
    require_snapshots(actor, snapshot.runbook)
    before = {"Name": snapshot.name, "Notes": snapshot.notes}
    with transaction.atomic():
        if name.strip() != snapshot.name:
            snapshot.name = _free_name(snapshot.runbook, required_name(name), snapshot)
        snapshot.notes = notes
        snapshot.save(update_fields=["name", "notes"])
        record_runbook(
            actor,
            snapshot.runbook,
            "Modified",
            f"described anew in the snapshot {snapshot.name}",
            before=before,
            after={"Name": snapshot.name, "Notes": snapshot.notes},
        )
    return snapshot


def update_variables_of_runbook_snapshot(
    *, actor: Actor, snapshot: RunbookSnapshot, clock: Clock = utc_now
) -> RunbookSnapshot:
    """Take the project's variables as they are now; process and packages stay."""
    runbook = snapshot.runbook
    require_on(actor, runbook, Permission.RunbookEdit)
    variable_set = runbook.project.variable_set
    if variable_set is None:
        raise Invalid("The project has no variable set.")
    before = snapshot.variable_snapshot
    with transaction.atomic():
        snapshot.variable_snapshot = freeze_variables(variable_set, clock)
        snapshot.library_snapshots = freeze_library(snapshot.project, clock)
        snapshot.save(update_fields=["variable_snapshot", "library_snapshots"])
        record_runbook(
            actor,
            runbook,
            "Modified",
            f"given the current variables in the snapshot {snapshot.name}",
            before={"Variables": before.public_id},
            after={"Variables": snapshot.variable_snapshot.public_id},
        )
    return snapshot


def delete_runbook_snapshot(*, actor: Actor, snapshot: RunbookSnapshot) -> None:
    """Delete a snapshot with its ended runs; raises Invalid for the published one or a busy one."""
    runbook = snapshot.runbook
    require_on(actor, runbook, Permission.RunbookEdit)
    if snapshot.is_published:
        raise Invalid(f"The snapshot '{snapshot.name}' is published: publish another one first.")
    runs = runs_of(runbook).filter(snapshot=snapshot)
    with transaction.atomic():
        hold_queue_of(runbook.project)
        if runs.exclude(task__state__in=FINISHED).exists():
            raise Invalid(
                f"The snapshot '{snapshot.name}' cannot be deleted while a run of it goes on."
            )
        words = f"left without the snapshot {snapshot.name}"
        record_runbook(actor, runbook, "Modified", words, before={"Snapshot": snapshot.name})
        runs.delete()
        snapshot.delete()


def delete_runbook(*, actor: Actor, row: Runbook) -> None:
    """Delete a runbook with its snapshots and ended runs; raises Invalid while a run goes on."""
    require_on(actor, row, Permission.RunbookEdit)
    with transaction.atomic():
        hold_queue_of(row.project)
        if runs_of(row).exclude(task__state__in=FINISHED).exists():
            raise Invalid(f"The runbook '{row.name}' cannot be deleted while a run of it goes on.")
        record_runbook(actor, row, "Deleted", "deleted", before={"Name": row.name})
        runs_of(row).delete()
        row.delete()


def require_snapshots(actor: Actor, runbook: Runbook) -> None:
    """Raise NotPermitted unless the actor may freeze and publish; editing includes it."""
    if not (
        allows_on(actor, runbook, Permission.RunbookEdit)
        or allows_on(actor, runbook, Permission.RunbookSnapshotCreate)
    ):
        raise NotPermitted(Permission.RunbookEdit)


def packages_of_runbook(runbook: Runbook) -> list[NeededPackage]:
    """Return the packages that a snapshot selects, with ids evaluated as far as values reach."""
    project = runbook.project
    context = ScopeContext(process_owner=runbook.public_id, project=project.public_id)
    rows = project_candidates(project)
    values = plain_values(resolve_all(rows, context))
    process = read_process(process_of_runbook(runbook))
    return needed_packages(runbook.space, process, None, values)


def _store_packages(row: RunbookSnapshot, selected: Sequence[SelectedPackage]) -> None:
    RunbookSnapshotPackage.objects.bulk_create(
        RunbookSnapshotPackage(snapshot=row, **package.columns) for package in selected
    )


def _free_name(runbook: Runbook, wanted: str, row: RunbookSnapshot | None = None) -> str:
    name = wanted.strip()
    if len(name) > _MOST_NAME:
        raise Invalid(fields={"Name": [f"A name has at most {_MOST_NAME} characters."]})
    taken = snapshots_of(runbook).filter(name__iexact=name)
    if row is not None:
        taken = taken.exclude(pk=row.pk)
    if name and taken.exists():
        raise Invalid(fields={"Name": [f"The runbook has a snapshot named '{name}' already."]})
    return name or next_snapshot_name()


def next_snapshot_name() -> str:
    """Return a name for a snapshot that nobody named."""
    letters = string.ascii_uppercase + string.digits
    return "Snapshot " + "".join(secrets.choice(letters) for _ in range(7))
