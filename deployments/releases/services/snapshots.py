"""Freezing a process and a variable set; a version that was frozen before is used again."""

import secrets
import string
from datetime import timedelta
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import F

from deployments.base.clock import Clock, utc_now
from deployments.base.models import Space
from deployments.base.querysets import SpaceQuerySet
from deployments.library.models import VariableSet
from deployments.library.queries import variables_of
from deployments.library.values import document_of
from deployments.projects.models import DeploymentProcess, Project
from deployments.projects.queries import included_sets
from deployments.releases.models import (
    FrozenSet,
    ProcessSnapshot,
    Release,
    RunbookSnapshot,
    VariableSetSnapshot,
)

S = TypeVar("S", ProcessSnapshot, VariableSetSnapshot)

_LETTERS: Final = string.ascii_uppercase + string.digits
_CODE_LENGTH: Final = 5
# A snapshot that nothing needs stays for the longer time. One that is used again after the shorter
# time counts as new, so the sweep never takes what a release is just being made with.
_UNUSED_FOR: Final = timedelta(days=1)
_NEW_FOR: Final = timedelta(hours=12)
_AT_ONCE: Final = 200


def freeze_process(process: DeploymentProcess, clock: Clock) -> ProcessSnapshot:
    """Return the snapshot of the process as it is now."""
    known = ProcessSnapshot.objects.in_space(process.space).filter(
        owner_id=process.public_id, version=process.version
    )
    return _used_again(known, clock) or ProcessSnapshot.objects.create(
        space=process.space,
        owner_id=process.public_id,
        version=process.version,
        code=_code(),
        steps=process.steps,
        created=clock(),
    )


def freeze_variables(variable_set: VariableSet, clock: Clock) -> VariableSetSnapshot:
    """Return the snapshot of the variable set as it is now."""
    while True:
        version = _stored_version(variable_set)
        known = VariableSetSnapshot.objects.in_space(variable_set.space).filter(
            owner_id=variable_set.public_id, version=version
        )
        if (snapshot := _used_again(known, clock)) is not None:
            return snapshot
        variables = [document_of(row) for row in variables_of(variable_set)]
        # The rows are read apart from the version; both count only if nothing came between.
        if _stored_version(variable_set) == version:
            break
    return VariableSetSnapshot.objects.create(
        space=variable_set.space,
        owner_id=variable_set.public_id,
        version=version,
        code=_code(),
        variables=variables,
        created=clock(),
    )


def freeze_library(project: Project, clock: Clock) -> list[FrozenSet]:
    """Return the snapshots of the library sets that the project includes, in its order."""
    frozen = (freeze_variables(row.values, clock) for row in included_sets(project))
    return [FrozenSet(number=row.pk, id=row.public_id) for row in frozen]


def sweep_snapshots(space: Space, *, clock: Clock = utc_now) -> int:
    """Delete what was frozen and no release or snapshot of a runbook needs; return how many."""
    return _sweep(ProcessSnapshot.objects.in_space(space), set(), clock) + _sweep(
        VariableSetSnapshot.objects.in_space(space), _library_snapshots_in_use(space), clock
    )


def _sweep(rows: "SpaceQuerySet[S]", needed: set[int], clock: Clock) -> int:
    old = rows.filter(created__lt=clock() - _UNUSED_FOR)
    unused = old.filter(releases=None, runbook_snapshots=None)
    numbers = sorted(set(unused.values_list("pk", flat=True)) - needed)
    count = 0
    for first in range(0, len(numbers), _AT_ONCE):
        part = numbers[first : first + _AT_ONCE]
        with transaction.atomic():
            # Taken first: whoever wants to use one again waits, and then makes it anew.
            old.filter(pk__in=part).update(code=F("code"))
            found = list(unused.filter(pk__in=part).values_list("pk", flat=True))
            rows.filter(pk__in=found).only("pk").delete()
        count += len(found)
    return count


def _library_snapshots_in_use(space: Space) -> set[int]:
    """Return the snapshots of library sets that releases and snapshots of runbooks name."""
    return {
        entry["number"]
        for owners in (Release.objects.in_space(space), RunbookSnapshot.objects.in_space(space))
        for named in owners.exclude(library_snapshots=[])
        .order_by()
        .values_list("library_snapshots", flat=True)
        .iterator(2000)
        for entry in named
    }


def _used_again(known: "SpaceQuerySet[S]", clock: Clock) -> S | None:
    """Return what was frozen before; None where it was not, or was deleted just now."""
    snapshot = known.first()
    if snapshot is None or snapshot.created > clock() - _NEW_FOR:
        return snapshot
    return snapshot if known.filter(pk=snapshot.pk).update(created=clock()) else None


def _stored_version(variable_set: VariableSet) -> int:
    rows = VariableSet.objects.in_space(variable_set.space).filter(pk=variable_set.pk)
    return rows.values_list("version", flat=True).get()


def _code() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
