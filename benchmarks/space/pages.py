"""Server time of the pages and resources that grow, on a big data set, and a pass of retention."""

import base64
import os
import resource
import tempfile
import time
from collections.abc import Callable
from typing import Any

from benchmarks.queries import counting
from benchmarks.results import Section, grid, percentile
from benchmarks.space.data import Size, fill

_SHORT = Size(projects=40, deployments=4_000, events=10_000, tenants=50)
_ROUNDS, _SHORT_ROUNDS = 40, 5
_GOAL_MS = 150.0
_PROJECT = "service-0007"
_PAGES = (
    ("dashboard", "dashboard"),
    ("dashboard, one group", "dashboard?q=Service+00"),
    ("project overview", f"projects/{_PROJECT}"),
    ("release list", f"projects/{_PROJECT}/releases"),
    ("task list", "tasks"),
    ("task list of a project", f"tasks?project={_PROJECT}"),
    ("task list, failed", "tasks?state=Failed"),
    ("environment timeline", f"projects/{_PROJECT}/environments/production"),
    ("tenant list", "tenants"),
    ("dashboard of a tenant", "tenants/tenant-042/deployments"),
    ("metrics of the space", "insights"),
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
            f"{size.projects} projects, 8 environments, {size.deployments:,} deployments and"
            f" {size.events:,} events, made in {filled:.0f} s."
        )
        _retention(section)
        return section


def _measure(rounds: int) -> Section:
    from tests.factories import make_ana  # noqa: PLC0415 after Django's set-up
    from tests.support.portal import Visitor  # noqa: PLC0415 after Django's set-up

    ana = make_ana()
    visitor = Visitor(ana)
    asks: dict[str, Callable[[], Any]] = {
        name: lambda path=path: visitor.client.get(f"{visitor.base}/{path}")  # type: ignore[misc]
        for name, path in _PAGES
    }
    asks["progression of a project (REST)"] = lambda: ana.api.get(
        f"/api/Spaces-1/projects/{_PROJECT}/progression"
    )
    asks["dashboard (REST)"] = lambda: ana.api.get("/api/Spaces-1/dashboard")
    section = Section()
    rows = []
    for name, ask in asks.items():
        ask()
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            answer = ask()
            times.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            text = answer.content.decode()[:500]
            raise RuntimeError(f"{name} answered {answer.status_code}: {text}")
        with counting() as statements:
            ask()
        section.add(f"{name}, p95", percentile(times, 95), "ms", at_most=_GOAL_MS)
        rows.append(
            [
                name,
                f"{percentile(times, 50):.0f}",
                f"{percentile(times, 95):.0f}",
                str(len(statements)),
                f"{len(answer.content) / 1024:.0f}",
            ]
        )
    section.remarks.append(grid(["page", "median, ms", "p95, ms", "queries", "KiB"], rows))
    return section


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
        began = time.monotonic()
        while task.state not in FINISHED:
            run_retention(task.pk)
            task.refresh_from_db()
        took = time.monotonic() - began
        name = "dry run of retention" if is_dry else "pass of retention"
        section.add(f"{name} over {before:,} deployments", took, "s")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    section.add("memory that retention takes besides", grown, "MiB", at_most=100)
    left = Deployment.objects.in_space(space).count()
    section.remarks.append(
        f"Retention deleted {before - left:,} deployments and kept"
        f" {Release.objects.in_space(space).count():,} releases."
    )
