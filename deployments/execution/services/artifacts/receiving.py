"""Artifacts: taken in piece by piece from agents, kept as stored bytes, deleted by people."""

import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.db import transaction

from agent.contracts import limits
from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.execution.models import AgentMessage, Artifact
from deployments.execution.services.outputs import storable
from packages_feed.services.blobs import drop_after_commit, hashed, lock_bytes, store_bytes
from packages_feed.storage import package_storage

LARGEST = 5 * 1024**3
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Received:
    """How many bytes of an artifact are here, and whether it is whole and stored."""

    size: int
    is_stored: bool = False


def received(run: AgentMessage, number: int) -> Received:
    """Return what is here of an artifact of the command."""
    stored = _stored(run, number)
    if stored is not None:
        return Received(stored.size, is_stored=True)
    try:
        return Received(_part(run, number).stat().st_size)
    except FileNotFoundError:
        return Received(0)


def receive_piece(
    run: AgentMessage,
    number: int,
    *,
    name: str,
    start: int,
    total: int,
    pieces: Iterable[bytes],
    clock: Clock = utc_now,
) -> Received:
    """Append bytes that begin at `start`; store the artifact when it is whole.

    What is returned tells the sender where to go on: pieces that do not begin there change
    nothing. Raises Invalid.
    """
    if not 1 <= number <= limits.MAX_ARTIFACTS:
        raise Invalid(f"A command has at most {limits.MAX_ARTIFACTS} artifacts.")
    if not 0 <= total <= LARGEST:
        raise Invalid(f"An artifact has at most {LARGEST // 1024**3} GiB.")
    path = _part(run, number)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        # Only now: a request before this one, whose sender gave up waiting, may just have ended.
        stored = _stored(run, number)
        if stored is not None:
            path.unlink(missing_ok=True)
            return Received(stored.size, is_stored=True)
        held = part.seek(0, os.SEEK_END)
        if held != start:
            return Received(held)
        for piece in pieces:
            held += len(piece)
            if held > total:
                part.truncate(start)
                raise Invalid("The artifact is longer than was announced.")
            part.write(piece)
        part.flush()
        if held == total:
            _keep(run, number, name, path, total, clock)
    return Received(held, is_stored=held == total)


def delete_artifact(*, actor: Actor, artifact: Artifact, clock: Clock = utc_now) -> None:
    """Delete an artifact, and its bytes when nothing else has the same."""
    require_on(actor, artifact, Permission.ArtifactDelete)
    with transaction.atomic():
        record(
            actor=actor,
            space=artifact.space,
            category="Deleted",
            message=f"The artifact {artifact.name} of {artifact.task.public_id} was deleted",
            subject=artifact.public_id,
            related=[artifact.task.public_id],
            clock=clock,
        )
        sha256 = artifact.blob_id
        artifact.delete()
        if sha256 is not None:
            drop_after_commit(sha256)


def _keep(run: AgentMessage, number: int, name: str, path: Path, size: int, clock: Clock) -> None:
    upload = hashed(path)
    store_bytes(upload, clock=clock)
    with transaction.atomic():
        blob = lock_bytes(upload, clock=clock)
        if _stored(run, number) is None:
            Artifact.objects.create(
                space_id=run.execution.space_id,
                task_id=run.execution.task_id,
                execution=run.execution,
                number=number,
                name=clean_name(name) or f"artifact-{number}",
                blob=blob,
                size=size,
                created=clock(),
            )
    path.unlink(missing_ok=True)


def clean_name(name: str) -> str:
    """Return a file name that leads nowhere and that every system takes."""
    last = PurePosixPath(storable(name).replace("\\", "/")).name
    clean = "".join(char for char in last if char.isprintable())[-_LONGEST_NAME:].strip()
    return "" if clean in {".", ".."} else clean


def _stored(run: AgentMessage, number: int) -> Artifact | None:
    rows = Artifact.objects.unscoped(reason="the built-in worker serves every space")
    return rows.filter(execution=run.execution_id, number=number).first()


def _part(run: AgentMessage, number: int) -> Path:
    return package_storage().spool_folder / f"artifact-{run.message_id}-{number}"
