"""Deletes releases with all that came of them: deployments, tasks, logs, artifacts and their bytes.

Each release is one transaction, which begins by taking its row: of two workers one gets it, and a
deployment that is made meanwhile keeps it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.models import Space
from deployments.base.public_ids import make
from deployments.execution.models import Artifact, LogArchive, LogChunk
from deployments.projects.models import Project
from deployments.releases.models import Deployment, Release
from deployments.releases.retention.rule import Verdict
from deployments.releases.services.editing import drop_unused_snapshots, remember_number
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import FINISHED
from packages_feed.services.blobs import drop_after_commit

log = structlog.get_logger(__name__)

_TASKS_AT_ONCE: Final = 50
_MOST_RELATED: Final = 100


@dataclass(frozen=True, slots=True)
class Deleted:
    """How much went with a release."""

    deployments: int = 0
    artifacts: int = 0


def delete_by_retention(
    *, actor: Actor, project: Project, verdict: Verdict, clock: Clock = utc_now
) -> Deleted | None:
    """Delete a release as judged; None when it is gone already or was deployed meanwhile."""
    number = verdict.candidate.number
    try:
        with transaction.atomic():
            return _delete(actor, project, verdict, clock)
    except IntegrityError as error:
        # Somebody has just begun to deploy it, or a release that deploys it was made.
        log.warning("a release is in use after all", release=number, error=str(error))
        return None


def delete_tasks(space: Space, tasks: Sequence[int]) -> int:
    """Delete tasks that nothing points to, with logs and artifacts; return how many artifacts.

    Joins the caller's transaction. Their bytes go after its commit, when nothing else has the same.
    """
    artifacts = 0
    for first in range(0, len(tasks), _TASKS_AT_ONCE):
        part = tasks[first : first + _TASKS_AT_ONCE]
        files = Artifact.objects.in_space(space).filter(task__in=part)
        archives = LogArchive.objects.in_space(space).filter(task__in=part)
        hashes = list(files.values_list("blob_id", flat=True))
        artifacts += len(hashes)
        hashes += archives.values_list("blob_id", flat=True)
        # Before their executions, so that no text of a log is read on the way.
        LogChunk.objects.in_space(space).filter(task__in=part).delete()
        ServerTask.objects.in_space(space).filter(pk__in=part).delete()
        for sha256 in dict.fromkeys(hashes):
            drop_after_commit(sha256)
    return artifacts


def _delete(actor: Actor, project: Project, verdict: Verdict, clock: Clock) -> Deleted | None:
    space, number = project.space, verdict.candidate.number
    mine = Release.objects.in_space(space).filter(pk=number)
    if not mine.update(notes=F("notes")):
        return None
    deployments = Deployment.objects.in_space(space).filter(release=number)
    rows = list(deployments.order_by("pk").values_list("pk", "task_id", "task__state"))
    if any(state not in FINISHED for *_, state in rows):
        return None
    release = mine.select_related("channel", "process_snapshot", "variable_snapshot").get()
    release.project = project
    record(
        actor=actor,
        space=space,
        category="Deleted",
        message=(
            f"Release {release.version} of {project.name} was deleted by retention"
            f" ({verdict.words})"
        ),
        subject=release.public_id,
        related=[
            project.public_id,
            release.channel.public_id,
            *(make(Deployment.id_prefix, pk) for pk, *_ in rows[-_MOST_RELATED:]),
        ],
        before={"Version": release.version, "Deployments": len(rows)},
        clock=clock,
    )
    remember_number(release)
    deployments.delete()
    artifacts = delete_tasks(space, [task for _, task, _ in rows])
    release.delete()
    drop_unused_snapshots(release.process_snapshot, release.variable_snapshot)
    return Deleted(len(rows), artifacts)
