"""Judging the releases of a project, as a stream: memory is bounded whatever their number."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Max

from deployments.infrastructure.models import Environment
from deployments.projects.models import Channel, PendingDeployment, Project
from deployments.projects.process.shape import PROJECT_FEED_ID
from deployments.projects.queries import lifecycle_of, phases_of_many
from deployments.projects.retention import RetentionPolicy, policies_of_phases, stored_policy
from deployments.projects.settings import extra_document
from deployments.releases.models import Defect, Deployment, Release, ReleaseSelectedPackage
from deployments.releases.retention.rule import (
    Candidate,
    Deployed,
    Keeper,
    LifecycleRule,
    PhaseRule,
    Protection,
    Verdict,
)
from deployments.server_tasks.states import FINISHED, TaskState

_AT_ONCE: Final = 500
_Row = tuple[int, str, int, datetime]


def judged(project: Project, *, default: RetentionPolicy, now: datetime) -> Iterator[Verdict]:
    """Yield what becomes of each release of the project, the newest first.

    `default` is the space's own policy for releases. The caller may delete what it was given.
    """
    is_discrete = bool(extra_document(project.extra)["DiscreteChannelRelease"])
    protection = _protection(project, is_discrete=is_discrete)
    rules = _rules(project, default)
    names = dict(Environment.objects.in_space(project.space).values_list("pk", "name"))
    keepers: dict[tuple[int, int], Keeper] = {}
    for rows in _pages(project):
        for candidate in _candidates(project, rows):
            number, rule = rules[candidate.channel]
            key = (number, candidate.channel if is_discrete else 0)
            if key not in keepers:
                keepers[key] = Keeper(rule, protection, names, now)
            yield keepers[key].judge(candidate)


def _protection(project: Project, *, is_discrete: bool) -> Protection:
    rows = Deployment.objects.in_space(project.space).filter(project=project).order_by("-pk")
    columns = ("release_id", "environment_id", "tenant_number", "channel_id", "task__state")
    protection = Protection()
    for release, environment, tenant, channel, state in rows.values_list(*columns).iterator(2000):
        protection.see(
            Deployed(
                release=release,
                environment=environment,
                tenant=tenant or 0,
                channel=channel if is_discrete else 0,
                is_success=state == TaskState.SUCCESS,
                is_under_way=state not in FINISHED,
            )
        )
    return protection


def _rules(project: Project, default: RetentionPolicy) -> dict[int, tuple[int, LifecycleRule]]:
    """Return the number and the rule of the lifecycle of each channel."""
    channels = Channel.objects.in_space(project.space).filter(project=project)
    rows = channels.select_related("lifecycle__space", "project__lifecycle__space")
    lifecycles = {row.pk: lifecycle_of(row) for row in rows}
    every = {lifecycle.pk: lifecycle for lifecycle in lifecycles.values()}
    phases = phases_of_many(every.values())
    found: dict[int, LifecycleRule] = {}
    for number, lifecycle in every.items():
        views, own = phases[number], lifecycle.release_retention
        kept = policies_of_phases([(v.name, v.release_retention) for v in views], own, default)
        rules = [
            PhaseRule(view.name, frozenset(view.environments), each.policy)
            for view, each in zip(views, kept, strict=True)
        ]
        found[number] = LifecycleRule(stored_policy(own, default), rules)
    return {channel: (row.pk, found[row.pk]) for channel, row in lifecycles.items()}


def _pages(project: Project) -> Iterator[Sequence[_Row]]:
    rows = Release.objects.in_space(project.space).filter(project=project).order_by("-pk")
    columns = rows.values_list("pk", "version", "channel_id", "assembled")
    page = list(columns[:_AT_ONCE])
    while page:
        yield page
        page = list(columns.filter(pk__lt=page[-1][0])[:_AT_ONCE])


def _candidates(project: Project, rows: Sequence[_Row]) -> list[Candidate]:
    numbers = [row[0] for row in rows]
    deployments = Deployment.objects.in_space(project.space).filter(release__in=numbers)
    environments: dict[int, set[int]] = {}
    last: dict[int, datetime] = {}
    grouped = deployments.order_by().values_list("release_id", "environment_id")
    for release, environment, created in grouped.annotate(last=Max("created")):
        environments.setdefault(release, set()).add(environment)
        last[release] = max(created, last.get(release, created))
    held = _held(project, rows)
    return [
        Candidate(
            number=number,
            version=version,
            channel=channel,
            last_used=last.get(number, assembled),
            environments=frozenset(environments.get(number, ())),
            held_by=held.get(number, ""),
        )
        for number, version, channel, assembled in rows
    ]


def _held(project: Project, rows: Sequence[_Row]) -> dict[int, str]:
    """Return what else needs a release: a roll-out, an open problem, a release that deploys it."""
    numbers = {version.lower(): number for number, version, *_ in rows}
    users = ReleaseSelectedPackage.objects.filter(
        release__space=project.space, feed_id__iexact=PROJECT_FEED_ID, package_id=project.public_id
    )
    columns = ("version", "release__version", "release__project__name")
    found = {
        numbers[version.lower()]: f"release {user} of {name} deploys it"
        for version, user, name in users.filter(version__in=[row[1] for row in rows])
        .order_by("pk")
        .values_list(*columns)
    }
    problems = Defect.objects.in_space(project.space).filter(
        release__in=numbers.values(), resolved=None
    )
    blocked = problems.values_list("release_id", flat=True)
    planned = planned_releases(project, numbers.values())
    return {
        **found,
        **dict.fromkeys(blocked, "its progression is blocked"),
        **dict.fromkeys(planned, "a roll-out is going to deploy it"),
    }


def planned_releases(project: Project, releases: Iterable[int]) -> set[int]:
    """Return those of the releases that a roll-out of the project has yet to deploy."""
    rows = PendingDeployment.objects.filter(project=project, release_number__in=list(releases))
    return {number for number in rows.values_list("release_number", flat=True) if number}
