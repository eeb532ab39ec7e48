"""Artifacts that people and other programs add to a task: announced, then sent, then changed."""

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Conflict, Invalid
from deployments.base.events import record
from deployments.execution.models import Artifact
from deployments.execution.services.artifacts.receiving import clean_name
from deployments.server_tasks.models import ServerTask
from packages_feed.ingest import Spooled
from packages_feed.services.blobs import drop_after_commit, lock_bytes, store_bytes

MOST_ADDED = 1000
_LONGEST_SOURCE = 200


def add_artifact(
    *, actor: Actor, task: ServerTask, name: str, source: str = "", clock: Clock = utc_now
) -> Artifact:
    """Announce a file of the task; its bytes are sent next. Raises Invalid."""
    require(
        actor,
        task.space,
        Permission.ArtifactCreate,
        project=task.project_number,
        environment=task.environment_number,
        tenant=task.tenant_number,
    )
    added = Artifact.objects.in_space(task.space).filter(task=task, execution=None)
    if added.count() >= MOST_ADDED:
        raise Invalid(f"A task has at most {MOST_ADDED} artifacts that were added to it.")
    artifact = Artifact(
        space=task.space,
        task=task,
        number=0,
        name=_name(name),
        source=_source(source) or actor.username,
        size=0,
        created=clock(),
    )
    with transaction.atomic():
        artifact.save(force_insert=True)
        _record(actor, artifact, "Created", "was added to", clock)
    return artifact


def rename_artifact(
    *, actor: Actor, artifact: Artifact, name: str, clock: Clock = utc_now
) -> Artifact:
    """Give an artifact another name. Raises Invalid."""
    require_on(actor, artifact, Permission.ArtifactEdit)
    before, artifact.name = artifact.name, _name(name)
    if artifact.name == before:
        return artifact
    with transaction.atomic():
        artifact.save(update_fields=["name"])
        _record(actor, artifact, "Modified", f"(before: {before}) was renamed in", clock)
    return artifact


def store_content(
    *, actor: Actor, artifact: Artifact, file: Spooled, clock: Clock = utc_now
) -> None:
    """Keep the bytes of an artifact, in place of those it may have had.

    Raises Conflict for what a script has handed over: nobody changes that afterwards.
    """
    has_bytes = artifact.blob_id is not None
    needed = Permission.ArtifactEdit if has_bytes else Permission.ArtifactCreate
    require_on(actor, artifact, needed)
    if artifact.execution_id is not None:
        raise Conflict("What a script has handed over is kept as it was.")
    store_bytes(file, clock=clock)
    with transaction.atomic():
        blob = lock_bytes(file, clock=clock)
        before = artifact.blob_id
        artifact.blob, artifact.size = blob, file.size
        artifact.save(update_fields=["blob", "size"])
        verb = "was replaced in" if has_bytes else "was stored for"
        _record(actor, artifact, "Modified", verb, clock)
        if before is not None and before != blob.pk:
            drop_after_commit(before)


def _name(text: str) -> str:
    name = clean_name(text)
    if not name:
        raise Invalid(fields={"Filename": ["Filename must be the name of a file."]})
    return name


def _source(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()[:_LONGEST_SOURCE]


def _record(actor: Actor, artifact: Artifact, category: str, verb: str, clock: Clock) -> None:
    record(
        actor=actor,
        space=artifact.space,
        category=category,
        message=f"The artifact {artifact.name} {verb} {artifact.task.public_id}",
        subject=artifact.public_id,
        related=[artifact.task.public_id],
        clock=clock,
    )
