"""Saving the process of a project or of a runbook."""

import hashlib
import json
from typing import Any, Final
from uuid import uuid4

from django.db import transaction
from django.db.models import F

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.projects.models import DeploymentProcess, ProcessNote
from deployments.projects.process import (
    Action,
    Process,
    Step,
    is_sealed,
    normalized_process,
    process_from_json,
    process_to_json,
    seal_process,
    validate_process,
)
from deployments.projects.services.renaming import follow_renames, renamed_actions

LONGEST_NOTE: Final = 1000
STALE = (
    "The process has been changed by somebody else since it was read. Reload it and"
    " make the change again."
)


def save_process(
    *,
    actor: Actor,
    row: DeploymentProcess,
    process: Process,
    version: int | None = None,
    note: str = "",
    clock: Clock = utc_now,
) -> DeploymentProcess:
    """Replace the steps; ids and slugs are kept or given, new secrets sealed.

    `version` is the one that was read, `note` says what was changed and why. Raises Invalid when
    the process has changed since or is not acceptable.
    """
    note = _checked_note(note)
    require_on(actor, row, editing_permission(row))
    errors = validate_process(process)
    if errors:
        raise Invalid(*errors)
    with transaction.atomic():
        rows = DeploymentProcess.objects.in_space(row.space).filter(pk=row.pk)
        guarded = rows if version is None else rows.filter(version=version)
        if not guarded.update(version=F("version") + 1):
            raise Invalid(STALE)
        current = rows.get()
        previous = process_from_json(current.steps)
        normal = normalized_process(process, lambda: str(uuid4()))
        sealed = seal_process(normal, previous, row.public_id)
        row.version = current.version
        row.steps = process_to_json(sealed)
        rows.update(steps=row.steps)
        if names := renamed_actions(previous, sealed):
            follow_renames(row.project, names)
        if note:
            _keep_note(actor, row, note, clock)
        events.record(
            actor=actor,
            space=row.space,
            category="Modified",
            message=f"{row.title} was changed",
            subject=row.public_id,
            related=[
                row.project.public_id,
                f"Runbooks-{row.runbook_id}" if row.runbook_id else "",
            ],
            before=_snapshot(previous),
            after=_snapshot(sealed) | ({"Note": note} if note else {}),
            clock=clock,
        )
    return row


def _checked_note(text: str) -> str:
    note = text.strip()
    if len(note) > LONGEST_NOTE:
        why = f"The note on a change has at most {LONGEST_NOTE} characters."
        raise Invalid(fields={"ChangeDescription": [why]})
    return note


def _keep_note(actor: Actor, row: DeploymentProcess, note: str, clock: Clock) -> None:
    ProcessNote.objects.create(
        process=row,
        version=row.version,
        text=note,
        noted=clock(),
        noted_by_name=actor.display_name,
    )


def editing_permission(row: DeploymentProcess) -> Permission:
    """Return what one must be allowed to change the process."""
    return Permission.ProcessEdit if row.runbook_id is None else Permission.RunbookEdit


def _snapshot(process: Process) -> dict[str, Any]:
    """Return one entry per action and one for the order of the steps."""
    entries: dict[str, Any] = {"Steps": [step.name for step in process.steps]}
    for step in process.steps:
        entries[f"Step {step.name}"] = _text(
            {
                "Condition": step.condition,
                "StartTrigger": step.start_trigger,
                "PackageRequirement": step.package_requirement,
                "Properties": _shown(step.properties),
            }
        )
        for action in step.actions:
            entries[f"Action {action.name}"] = _text(_action(action))
    return entries


def _action(action: Action) -> dict[str, Any]:
    [step] = process_to_json(Process((Step(actions=(action,)),)))
    document: dict[str, Any] = step["Actions"][0]
    return {**document, "Properties": _shown(action.properties)}


def _shown(properties: Any) -> dict[str, Any]:
    return {name: _mark(value) for name, value in properties.items()}


def _mark(value: Any) -> str:
    if is_sealed(value):
        # Sealing is not repeatable, so the sealed text changes exactly when the secret is set.
        return f"secret {hashlib.sha256(value['sealed'].encode()).hexdigest()[:12]}"
    return str(value)


def _text(document: Any) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
