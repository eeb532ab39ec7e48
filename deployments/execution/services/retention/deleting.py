"""Deletes releases with all that came of them: deployments, tasks, logs, artifacts and their bytes.

Many releases are one transaction, which begins by holding the queue of the project and taking their
rows: of two workers one gets them, and a deployment that began before keeps its release.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import News, record_all
from deployments.base.models import Space
from deployments.base.public_ids import make
from deployments.execution.models import Artifact, LogArchive, LogChunk
from deployments.projects.models import Project
from deployments.releases.models import Deployment, Release
from deployments.releases.retention.facts import planned_releases
from deployments.releases.retention.rule import Verdict
from deployments.releases.services.editing import remember_numbers
from deployments.releases.services.queueing import hold_queue_of
from deployments.server_tasks.services import current
from deployments.server_tasks.states import FINISHED
from packages_feed.services.blobs import drop_after_commit

log = structlog.get_logger(__name__)

_TASKS_AT_ONCE: Final = 200
_MOST_RELATED: Final = 100


@dataclass(frozen=True, slots=True)
class Deleted:
    """How much went with a release."""

    deployments: int = 0
    artifacts: int = 0


def delete_by_retention(
    *, actor: Actor, project: Project, verdicts: Sequence[Verdict], clock: Clock = utc_now
) -> dict[int, Deleted]:
    """Delete releases of a project as judged; return what went, by the number of the release.

    One that is gone already or was deployed meanwhile is not in it.
    """
    try:
        with transaction.atomic():
            return _delete(actor, project, verdicts, clock)
    except IntegrityError as error:
        # Somebody has just begun to deploy one of them, or a release that deploys it was made.
        if len(verdicts) == 1:
            number = verdicts[0].candidate.number
            log.warning("a release is in use after all", release=number, error=str(error))
            return {}
    found: dict[int, Deleted] = {}
    for verdict in verdicts:
        found |= delete_by_retention(actor=actor, project=project, verdicts=[verdict], clock=clock)
    return found


def delete_tasks(space: Space, tasks: Sequence[int]) -> Counter[int]:
    """Delete tasks that nothing points to, with logs and artifacts; count the artifacts of each.

    Joins the caller's transaction. Their bytes go after its commit, when nothing else has the same.
    """
    artifacts: Counter[int] = Counter()
    for first in range(0, len(tasks), _TASKS_AT_ONCE):
        part = tasks[first : first + _TASKS_AT_ONCE]
        files = Artifact.objects.in_space(space).filter(task__in=part)
        archives = LogArchive.objects.in_space(space).filter(task__in=part)
        hashes = list(archives.values_list("blob_id", flat=True))
        for task, sha256 in files.values_list("task_id", "blob_id"):
            artifacts[task] += 1
            if sha256:  # its bytes have come
                hashes.append(sha256)
        # Before their executions, so that no text of a log is read on the way.
        LogChunk.objects.in_space(space).filter(task__in=part).delete()
        current.delete_tasks(space, part)
        for sha256 in dict.fromkeys(hashes):
            drop_after_commit(sha256)
    return artifacts


def _delete(
    actor: Actor, project: Project, verdicts: Sequence[Verdict], clock: Clock
) -> dict[int, Deleted]:
    space = project.space
    words = {verdict.candidate.number: verdict.words for verdict in verdicts}
    mine = Release.objects.in_space(space).filter(pk__in=words)
    hold_queue_of(project)
    mine.update(notes=F("notes"))
    deployments: dict[int, list[tuple[int, int]]] = {}
    busy = planned_releases(project, words)
    rows = Deployment.objects.in_space(space).filter(release__in=words).order_by("pk")
    columns = ("release_id", "pk", "task_id", "task__state")
    for number, deployment, task, state in rows.values_list(*columns):
        deployments.setdefault(number, []).append((deployment, task))
        if state not in FINISHED:
            busy.add(number)
    going = list(mine.exclude(pk__in=busy).select_related("channel").defer("build_information"))
    for release in going:
        release.space, release.project = space, project
    gone = {release.pk: deployments.get(release.pk, []) for release in going}
    news = [_news(each, words[each.pk], [pk for pk, _ in gone[each.pk]]) for each in going]
    record_all(actor=actor, news=news, clock=clock)
    remember_numbers(going)
    rows.filter(release__in=gone).order_by().delete()
    artifacts = delete_tasks(space, [task for each in gone.values() for _, task in each])
    mine.filter(pk__in=gone).only("pk").delete()
    return {
        number: Deleted(len(each), sum(artifacts[task] for _, task in each))
        for number, each in gone.items()
    }


def _news(release: Release, words: str, deployments: Sequence[int]) -> News:
    return News(
        space=release.space,
        category="Deleted",
        message=(
            f"Release {release.version} of {release.project.name} was deleted by retention"
            f" ({words})"
        ),
        subject=release.public_id,
        related=[
            release.project.public_id,
            release.channel.public_id,
            *(make(Deployment.id_prefix, pk) for pk in deployments[-_MOST_RELATED:]),
        ],
        before={"Version": release.version, "Deployments": len(deployments)},
    )
