"""One pass of retention over a space, as a server task: projects, then packages; some at once.

The place that was reached is kept in the task's arguments. A worker that takes over goes on with
that project: what was deleted is gone, and nothing is judged by less than the whole project.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import structlog

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.wake import wake_now
from deployments.execution.logs.append import write_lines
from deployments.execution.services.finish import end_task, succeed_task
from deployments.execution.services.lease import Lease, claim, renew, settle
from deployments.execution.services.retention.asking import DRY_RUN
from deployments.execution.services.retention.deleting import Deleted, delete_by_retention
from deployments.execution.services.retention.part import PartOfPass
from deployments.execution.services.retention.passing_packages import pass_builds, pass_packages
from deployments.execution.services.retention.passing_runs import pass_runs
from deployments.execution.services.retention.passing_tasks import pass_server_tasks
from deployments.projects.models import Project
from deployments.projects.retention import KEEP_EVERYTHING, RetentionPolicy
from deployments.projects.services.retention_defaults import RELEASES, RUNS, retention_defaults
from deployments.releases.retention.facts import judged
from deployments.releases.retention.package_facts import policy_of_packages
from deployments.releases.retention.rule import Verdict
from deployments.releases.services.snapshots import sweep_snapshots
from deployments.server_tasks.models import ServerTask

log = structlog.get_logger(__name__)

RUN: Final = "execution.run_retention"
_PROGRESS: Final = "Progress"
_RELEASES_AT_ONCE: Final = 50
_AT_A_TIME_S: Final = 5.0
_ACTOR: Final = Actor.system("retention")


class _Stopped(Exception):
    """Another worker has taken over, or somebody asked the task to stop."""


@dataclass
class _Counts:
    """What the pass has come to so far; kept in the task."""

    after: int = 0
    kept: int = 0
    deleted: int = 0
    deployments: int = 0
    artifacts: int = 0
    kept_runs: int = 0
    deleted_runs: int = 0
    after_package: int = 0
    kept_packages: int = 0
    deleted_packages: int = 0
    after_build: int = 0
    kept_builds: int = 0
    deleted_builds: int = 0
    deleted_tasks: int = 0
    has_told_tasks: bool = False

    @property
    def words(self) -> str:
        others = (
            (self.deleted_runs, self.kept_runs, "runs of runbooks"),
            (self.deleted_packages, self.kept_packages, "packages"),
            (self.deleted_builds, self.kept_builds, "pieces of build information"),
        )
        tasks = f" {self.deleted_tasks} tasks of the server deleted." if self.deleted_tasks else ""
        return (
            (
                f"{self.deleted} releases with {self.deployments} deployments and {self.artifacts}"
                f" artifacts deleted, {self.kept} kept."
            )
            + "".join(
                f" {deleted} {things} deleted, {kept} kept."
                for deleted, kept, things in others
                if deleted or kept
            )
            + tasks
        )


def run_retention(task_id: int, *, clock: Clock = utc_now) -> None:
    """Carry on with a pass from where it was left, for a few seconds; then let others have a go."""
    lease = claim(task_id, now=clock())
    if lease is None:
        return
    is_over = True
    try:
        is_over = _run(lease, clock)
    except _Stopped:
        return
    except Exception as error:
        log.exception("retention failed", task=task_id)
        end_task(lease.task, f"Retention stopped: {type(error).__name__}.", clock=clock)
    finally:
        settle(lease, now=clock())
    if not is_over:
        wake_now(RUN, task_id)


def _run(lease: Lease, clock: Clock) -> bool:
    """Take the next steps; return whether the pass is over."""
    task, began = lease.task, time.monotonic()
    counts = _Counts(**task.arguments.get(_PROGRESS, {}))
    is_dry = bool(task.arguments.get(DRY_RUN))
    for _ in _steps(lease, counts, clock, is_dry=is_dry):
        _keep(task, counts)
        if time.monotonic() - began > _AT_A_TIME_S:
            return False
    _go_on(lease, clock)
    if not is_dry:
        sweep_snapshots(task.space, clock=clock)
    words = counts.words
    write_lines(
        task, None, [("info", f"Dry run: nothing was deleted. {words}" if is_dry else words)]
    )
    succeed_task(task, clock=clock)
    return True


def _steps(lease: Lease, counts: _Counts, clock: Clock, *, is_dry: bool) -> Iterator[None]:
    """Go on from what the counts say, and stop after each step to have them kept."""
    space = lease.task.space
    defaults = retention_defaults(space)

    def part(policy: RetentionPolicy) -> PartOfPass:
        return PartOfPass(lease.task, _ACTOR, policy, is_dry, lambda: _go_on(lease, clock), clock)

    projects = Project.objects.in_space(space).select_related("space", "lifecycle")
    while project := projects.filter(pk__gt=counts.after).order_by("pk").first():
        _pass_releases(lease, project, defaults[RELEASES], counts, clock)
        of_runbooks = pass_runs(part(defaults[RUNS]), project)
        counts.kept_runs += of_runbooks.kept
        counts.deleted_runs += of_runbooks.deleted
        counts.artifacts += of_runbooks.artifacts
        counts.after = project.pk
        yield
    of_packages = part(policy_of_packages(space))
    for kept, deleted, number in pass_packages(of_packages, counts.after_package):
        counts.kept_packages += kept
        counts.deleted_packages += deleted
        counts.after_package = number
        yield
    for kept, deleted, number in pass_builds(of_packages, counts.after_build):
        counts.kept_builds += kept
        counts.deleted_builds += deleted
        counts.after_build = number
        yield
    if not counts.has_told_tasks:
        for deleted in pass_server_tasks(part(KEEP_EVERYTHING)):
            counts.deleted_tasks += deleted
            # A dry run says it at once, and must not say it again.
            counts.has_told_tasks = is_dry
            yield


def _pass_releases(
    lease: Lease, project: Project, default: RetentionPolicy, counts: _Counts, clock: Clock
) -> None:
    """Delete, or in a dry run name, the releases of the project that nothing keeps."""
    is_dry = bool(lease.task.arguments.get(DRY_RUN))
    verdicts = judged(project, default=default, now=clock())
    while part := list(islice(verdicts, _RELEASES_AT_ONCE)):
        _go_on(lease, clock)
        gone: Mapping[int, Deleted] = {}
        going = [verdict for verdict in part if not verdict.is_kept]
        if going and not is_dry:
            gone = delete_by_retention(actor=_ACTOR, project=project, verdicts=going, clock=clock)
        lines = [_told(verdict, counts, gone, is_dry=is_dry) for verdict in part]
        _write(lease.task, project, lines, is_dry=is_dry)


def _told(
    verdict: Verdict, counts: _Counts, gone: Mapping[int, Deleted], *, is_dry: bool
) -> tuple[str, str]:
    """Count what became of the release; return the line that says so, with its level."""
    version = verdict.candidate.version
    if verdict.is_kept:
        counts.kept += 1
        return "verbose", f"  {version} kept: {verdict.words}"
    if is_dry:
        counts.deleted += 1
        return "info", f"  {version} would be deleted: {verdict.words}"
    deleted = gone.get(verdict.candidate.number)
    if deleted is None:
        counts.kept += 1
        return "info", f"  {version} kept: it came into use meanwhile"
    counts.deleted += 1
    counts.deployments += deleted.deployments
    counts.artifacts += deleted.artifacts
    return "info", f"  {version} deleted with {deleted.deployments} deployments: {verdict.words}"


def _write(
    task: ServerTask, project: Project, lines: list[tuple[str, str]], *, is_dry: bool
) -> None:
    """Write what is to be read: all of a dry run, else what was deleted."""
    told = [line for line in lines if is_dry or line[0] != "verbose"]
    if told:
        write_lines(task, None, [("info", f"{project.name}:"), *told])


def _keep(task: ServerTask, counts: _Counts) -> None:
    arguments: dict[str, Any] = {**task.arguments, _PROGRESS: vars(counts)}
    ServerTask.objects.in_space(task.space).filter(pk=task.pk).update(arguments=arguments)


def _go_on(lease: Lease, clock: Clock) -> None:
    """Hold on to the claim. Raises _Stopped when the pass must end here."""
    current = renew(lease, now=clock())
    if current is None:
        raise _Stopped
    if current.cancel_requests:
        end_task(current, "", canceled=True, clock=clock)
        raise _Stopped
