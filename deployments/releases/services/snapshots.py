"""Freezing a process and a variable set; a version that was frozen before is used again."""

import secrets
import string
from typing import Final

from deployments.base.clock import Clock
from deployments.library.models import VariableSet
from deployments.library.queries import variables_of
from deployments.library.values import document_of
from deployments.projects.models import DeploymentProcess, Project
from deployments.projects.queries import included_sets
from deployments.releases.models import FrozenSet, ProcessSnapshot, VariableSetSnapshot

_LETTERS: Final = string.ascii_uppercase + string.digits
_CODE_LENGTH: Final = 5


def freeze_process(process: DeploymentProcess, clock: Clock) -> ProcessSnapshot:
    """Return the snapshot of the process as it is now."""
    known = ProcessSnapshot.objects.in_space(process.space).filter(
        owner_id=process.public_id, version=process.version
    )
    return known.first() or ProcessSnapshot.objects.create(
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
        if (snapshot := known.first()) is not None:
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


def _stored_version(variable_set: VariableSet) -> int:
    rows = VariableSet.objects.in_space(variable_set.space).filter(pk=variable_set.pk)
    return rows.values_list("version", flat=True).get()


def _code() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
