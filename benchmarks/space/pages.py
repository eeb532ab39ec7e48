"""Server time of the pages and resources that grow, on a big data set, and a pass of retention."""

import base64
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.queries import counting
from benchmarks.results import Section, grid, percentile
from benchmarks.space.data import Size, fill
from benchmarks.space.wide import PROJECT, STEPS, TARGETS

_SHORT = Size(projects=40, deployments=4_000, events=10_000, tenants=50, hot=800)
_ROUNDS, _SHORT_ROUNDS = 20, 5
_GOAL_MS, _TENANTS_GOAL_MS, _PLAN_GOAL_MS = 150.0, 100.0, 200.0
_PROJECT = "service-0003"
_NEWEST = "newest"  # of the releases, in an address
_HOT = "hot"  # the slug of the project with the most deployments, in an address
_FRAME = ("any page (an empty search)", "search")
_PAGES = (
    ("dashboard", "dashboard"),
    ("dashboard, one group", "dashboard?q=Service+00"),
    ("dashboard, failing", "dashboard?show=failing"),
    ("dashboard, ready to deploy", "dashboard?show=deployable"),
    ("project overview", f"projects/{_PROJECT}"),
    ("release list", f"projects/{_PROJECT}/releases"),
    ("page of a release", f"projects/{_PROJECT}/releases/{_NEWEST}"),
    ("task list", "tasks"),
    ("task list of a project", f"tasks?project={_PROJECT}"),
    ("task list, failed", "tasks?state=Failed"),
    ("environment timeline", f"projects/{_PROJECT}/environments/production"),
    ("tenant list", "tenants"),
    ("dashboard of a tenant", "tenants/tenant-042/deployments"),
    ("metrics of the space", "insights"),
    ("overview of the hot project", f"projects/{_HOT}"),
    ("releases of the hot project", f"projects/{_HOT}/releases"),
    ("environment of the hot project", f"projects/{_HOT}/environments/production"),
    ("tasks of the hot project", f"tasks?project={_HOT}"),
)


def run(*, short: bool) -> Section:
    """Fill a new database and ask for each page in turn, as a manager of the space."""
    with tempfile.TemporaryDirectory(prefix="octopus-bench-") as folder:
        os.environ.update(
            OCTOPUS_DATA_DIR=folder,
            OCTOPUS_MASTER_KEY=base64.b64encode(os.urandom(32)).decode(),
            DJANGO_SETTINGS_MODULE="octopus_site.settings",
        )
        import django  # noqa: PLC0415 the settings come first

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 after Django's set-up

        call_command("migrate", verbosity=0)
        size = _SHORT if short else Size()
        began = time.monotonic()
        fill(size)
        filled = time.monotonic() - began
        section = _measure(_SHORT_ROUNDS if short else _ROUNDS)
        section.remarks.append(
            f"{size.projects} projects, 8 environments, {size.deployments:,} deployments,"
            f" {size.hot:,} more of one project and {size.events:,} events, made in {filled:.0f} s."
        )
        _retention(section)
        return section


@dataclass(frozen=True)
class _Ask:
    """Something to ask for, and how long it may take."""

    name: str
    run: Callable[[], Any]
    goal_ms: float | None = _GOAL_MS


def _measure(rounds: int) -> Section:
    from octopus_site.memory import load_pages, loading  # noqa: PLC0415 after Django's set-up

    with loading():
        load_pages()
    section = Section()
    rows = []
    for ask in _asks():
        answer, times, own = ask.run(), [], []
        for _ in range(rounds):
            began, busy = time.perf_counter(), time.process_time()
            answer = ask.run()
            own.append((time.process_time() - busy) * 1000)
            times.append((time.perf_counter() - began) * 1000)
        if getattr(answer, "status_code", 200) != 200:
            text = answer.content.decode()[:500]
            raise RuntimeError(f"{ask.name} answered {answer.status_code}: {text}")
        with counting() as statements:
            ask.run()
        section.add(f"{ask.name}, p95", percentile(times, 95), "ms", at_most=ask.goal_ms)
        # What is known already when the time runs out.
        print(f"  {ask.name}: {percentile(times, 50):.0f} ms", file=sys.stderr, flush=True)
        rows.append(
            [
                ask.name,
                f"{percentile(times, 50):.0f}",
                f"{percentile(times, 95):.0f}",
                f"{percentile(own, 50):.0f}",
                str(len(statements)),
                f"{len(getattr(answer, 'content', b'')) / 1024:.0f}",
            ]
        )
    head = ["what", "median, ms", "p95, ms", "processor, ms", "queries", "KiB"]
    section.remarks.append(grid(head, rows))
    return section


def _asks() -> Iterator[_Ask]:
    """Yield pages and resources as a manager of the space gets them, and two services."""
    from deployments.access.permissions import Permission  # noqa: PLC0415 after Django's set-up
    from deployments.releases.models import Release  # noqa: PLC0415 as above
    from deployments.releases.services.exact_plan import exact_plan  # noqa: PLC0415 as above
    from deployments.releases.tenancy.standings import standings  # noqa: PLC0415 as above
    from tests.factories import default_space, make_ana  # noqa: PLC0415 as above
    from tests.support.portal import Visitor  # noqa: PLC0415 as above

    ana = make_ana()
    visitor, client = Visitor(ana), ana.api
    releases = Release.objects.in_space(default_space()).select_related(
        "project__lifecycle", "channel__lifecycle", "space"
    )
    newest = releases.filter(project__slug=_PROJECT).order_by("-pk")[0]
    hot = releases.exclude(project__name=PROJECT).order_by("-pk")[0].project
    yield _Ask(_FRAME[0], lambda: visitor.client.get(f"{visitor.base}/{_FRAME[1]}"), None)
    for name, path in _PAGES:
        named = path.replace(_NEWEST, newest.version).replace(_HOT, hot.slug)
        address = f"{visitor.base}/{named}"
        yield _Ask(name, lambda address=address: visitor.client.get(address))  # type: ignore[misc]  # default
    api = "/api/Spaces-1"
    for name, path in (
        ("progression of a project (REST)", f"projects/{_PROJECT}/progression"),
        ("progression of a release (REST)", f"releases/{newest.public_id}/progression"),
        ("dashboard (REST)", "dashboard"),
        ("dashboard (REST), all projects", "dashboard?showAll=true"),
        (
            "dashboard (REST), highest versions",
            "dashboard?highestLatestVersionPerProjectAndEnvironment=true",
        ),
        ("progression of the hot project (REST)", f"projects/{hot.slug}/progression"),
    ):
        address = f"{api}/{path}"
        yield _Ask(name, lambda address=address: client.get(address))  # type: ignore[misc]  # default

    def of_tenants() -> int:
        release = releases.get(pk=newest.pk)
        return len(standings(release, ana.actor, Permission.TenantView))

    yield _Ask(f"progression for {of_tenants()} tenants", of_tenants, _TENANTS_GOAL_MS)
    wide = releases.get(project__name=PROJECT)
    phase = wide.project.lifecycle.phases.order_by("pk")[0]
    environment = phase.phase_environments.get().environment
    preview = f"{api}/releases/{wide.public_id}/deployments/preview/{environment.public_id}"
    size = f"{STEPS} steps for {TARGETS} targets"
    yield _Ask(
        f"plan of {size}",
        lambda: exact_plan(releases.get(pk=wide.pk), environment, viewer=ana.actor),
        _PLAN_GOAL_MS,
    )
    yield _Ask(f"preview of {size} (REST)", lambda: client.get(preview), _PLAN_GOAL_MS)
    page = f"{visitor.base}/projects/{wide.project.slug}/releases/{wide.version}/deploy"
    yield _Ask(f"deploy page with {size}", lambda: visitor.client.get(page), _PLAN_GOAL_MS)


def _retention(section: Section) -> None:
    """Carry out a whole pass that deletes most releases."""
    from deployments.base.clock import utc_now  # noqa: PLC0415 after Django's set-up
    from deployments.base.models import Space  # noqa: PLC0415 as above
    from deployments.execution.services.retention.asking import (  # noqa: PLC0415 as above
        request_retention,
    )
    from deployments.execution.services.retention.passing import (  # noqa: PLC0415 as above
        run_retention,
    )
    from deployments.projects.models import Lifecycle  # noqa: PLC0415 as above
    from deployments.releases.models import Deployment, Release  # noqa: PLC0415 as above
    from deployments.server_tasks.services.moves import move  # noqa: PLC0415 as above
    from deployments.server_tasks.states import FINISHED, TaskState  # noqa: PLC0415 as above
    from tests.factories import SYSTEM  # noqa: PLC0415 as above

    space = Space.objects.get(is_default=True)
    policy = {"Strategy": "Count", "QuantityToKeep": 3, "Unit": "Items"}
    Lifecycle.objects.in_space(space).update(release_retention=policy)
    before = Deployment.objects.in_space(space).count()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for is_dry in (True, False):
        task = request_retention(actor=SYSTEM, space=space, arguments={"DryRun": is_dry})
        move(task.pk, TaskState.EXECUTING, now=utc_now())
        began, busy = time.monotonic(), time.process_time()
        while task.state not in FINISHED:
            run_retention(task.pk)
            task.refresh_from_db()
        took, busy = time.monotonic() - began, time.process_time() - busy
        name = "dry run of retention" if is_dry else "pass of retention"
        section.add(f"{name} over {before:,} deployments", took, "s")
        section.add(f"processor time of the {name}", busy, "s")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    section.add("memory that retention takes besides", grown, "MiB", at_most=100)
    left = Deployment.objects.in_space(space).count()
    section.remarks.append(
        f"Retention deleted {before - left:,} deployments and kept"
        f" {Release.objects.in_space(space).count():,} releases."
    )
