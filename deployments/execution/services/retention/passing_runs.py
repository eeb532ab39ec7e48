"""The part of a pass of retention that goes through the runs of a project's runbooks."""

from dataclasses import dataclass, field
from typing import Final

from deployments.base.public_ids import make
from deployments.execution.logs.append import write_lines
from deployments.execution.services.retention.deleting_runs import (
    RUNS_AT_ONCE,
    delete_runs_by_retention,
)
from deployments.execution.services.retention.part import PartOfPass
from deployments.infrastructure.models import Environment
from deployments.library.tenancy import tenant_words
from deployments.projects.models import Project, Runbook
from deployments.projects.queries import runbooks_of
from deployments.releases.models import RunbookRun
from deployments.releases.retention.run_facts import judged_runs
from deployments.releases.retention.run_rule import RunVerdict

_LINES_AT_ONCE: Final = 200
_RENEW_EVERY: Final = 500


@dataclass
class RunCounts:
    """How many runs were kept, how many went with how many artifacts."""

    kept: int = 0
    deleted: int = 0
    artifacts: int = 0


@dataclass
class _Places:
    """Names of environments and tenants, looked up once each."""

    project: Project
    _names: dict[tuple[str, int], str] = field(default_factory=dict)

    def words(self, verdict: RunVerdict) -> str:
        run = verdict.candidate
        where = self._named("Environments", run.environment)
        whom = f" for {self._named('Tenants', run.tenant)}" if run.tenant else ""
        return f"{make(RunbookRun.id_prefix, run.number)} in {where}{whom}"

    def _named(self, kind: str, number: int) -> str:
        if (kind, number) not in self._names:
            space = self.project.space
            if kind == "Tenants":
                [name] = tenant_words(space, [number])
            else:
                rows = Environment.objects.in_space(space).filter(pk=number)
                name = rows.values_list("name", flat=True).first() or make(kind, number)
            self._names[kind, number] = name
        return self._names[kind, number]


def pass_runs(work: PartOfPass, project: Project) -> RunCounts:
    """Delete, or in a dry run name, the runs of the project that nothing keeps."""
    counts, places = RunCounts(), _Places(project)
    for runbook in runbooks_of(project):
        runbook.project = project
        _pass_runbook(work, runbook, counts, places)
    return counts


def _pass_runbook(work: PartOfPass, runbook: Runbook, counts: RunCounts, places: _Places) -> None:
    part: list[RunVerdict] = []
    verdicts = judged_runs(runbook, default=work.policy, now=work.clock())
    for number, verdict in enumerate(verdicts):
        if number % _RENEW_EVERY == 0:
            work.go_on()
        counts.kept += verdict.is_kept
        if work.is_dry or not verdict.is_kept:
            part.append(verdict)
        if len(part) >= (_LINES_AT_ONCE if work.is_dry else RUNS_AT_ONCE):
            _carry_out(work, runbook, part, counts, places)
    _carry_out(work, runbook, part, counts, places)


def _carry_out(
    work: PartOfPass,
    runbook: Runbook,
    part: list[RunVerdict],
    counts: RunCounts,
    places: _Places,
) -> None:
    if not part:
        return
    work.go_on()
    gone = [each.candidate.number for each in part if not each.is_kept]
    if work.is_dry:
        counts.deleted += len(gone)
    elif gone:
        deleted = delete_runs_by_retention(
            actor=work.actor, runbook=runbook, runs=gone, clock=work.clock
        )
        counts.deleted += deleted.deployments
        counts.artifacts += deleted.artifacts
    lines = [("info", f"{runbook.project.name}, runbook {runbook.name}:")]
    for each in part:
        done = "would be deleted" if work.is_dry else "deleted"
        level, what = ("verbose", "kept") if each.is_kept else ("info", done)
        lines.append((level, f"  {places.words(each)} {what}: {each.words}"))
    write_lines(work.task, None, lines)
    part.clear()
