"""Lists of 50 out of 200,000 deployments: readers who see a part of a space, beside its manager."""

import base64
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.queries import counting
from benchmarks.results import Section, grid, median_ratio, percentile
from benchmarks.space.data import Size, fill
from benchmarks.space.readers import MANAGER, make_readers

_FULL = Size(deployments=200_000, hot=0)
_SHORT = Size(projects=40, deployments=4_000, events=10_000, tenants=50, hot=0)
_ROUNDS, _SHORT_ROUNDS = 15, 3
_AT_MOST = 2.0
LISTS = {
    "deployments": "/api/Spaces-1/deployments?take=50",
    "deployments, the 20th page": "/api/Spaces-1/deployments?take=50&skip=1000",
    "tasks": "/api/Spaces-1/tasks?take=50",
    "failed tasks": "/api/Spaces-1/tasks?take=50&states=Failed",
    "events": "/api/Spaces-1/events?take=50",
    "releases": "/api/Spaces-1/releases?take=50",
    "task page": "/app/Spaces-1/tasks",
    "audit page": "/app/Spaces-1/administration/audit",
}


@dataclass
class _Asked:
    """What one reader's requests for one list took."""

    seconds: list[float] = field(default_factory=list)
    total: int | None = None
    queries: int = 0


def run(*, short: bool) -> Section:
    """Fill a new database and ask for each list in turn as each reader."""
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
        size = _SHORT if short else _FULL
        fill(size)
        return _measure(size, _SHORT_ROUNDS if short else _ROUNDS)


def _measure(size: Size, rounds: int) -> Section:
    """Let the readers take turns, so that a busy moment slows all of them."""
    from octopus_site.memory import load_pages, loading  # noqa: PLC0415 after Django's set-up

    with loading():
        load_pages()
    readers = make_readers()
    section, rows = Section(), []
    for name, path in LISTS.items():
        asked = {reader: _Asked() for reader in readers}
        for turn in range(rounds + 1):  # the first one warms up
            for reader, client in readers.items():
                _ask(asked[reader], client, path, is_measured=turn > 0)
        manager = asked.pop(MANAGER)
        worst = max(median_ratio(one.seconds, manager.seconds) for one in asked.values())
        section.add(f"{name}: the slowest reader ÷ the manager", worst, at_most=_AT_MOST)
        print(f"  {name}: {worst:.2f}", file=sys.stderr, flush=True)
        for reader, one in {MANAGER: manager, **asked}.items():
            ratio = median_ratio(one.seconds, manager.seconds)
            total = "" if one.total is None else f"{one.total:,}"
            middle = percentile(one.seconds, 50) * 1000
            rows.append(
                [f"{name}, {reader}", total, f"{middle:.0f}", f"{ratio:.2f}", str(one.queries)]
            )
    section.remarks.append(
        grid(["list and reader", "seen", "median, ms", "÷ manager", "queries"], rows)
    )
    section.remarks.append(
        f"{size.projects} projects, {size.deployments:,} deployments, {size.events:,} events."
    )
    return section


def _ask(asked: _Asked, client: Any, path: str, *, is_measured: bool) -> None:
    began = time.perf_counter()
    if is_measured:
        answer = client.get(path)
        asked.seconds.append(time.perf_counter() - began)
    else:
        with counting() as statements:
            answer = client.get(path)
        asked.queries = len(statements)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}: {answer.content[:500]!r}")
    if path.startswith("/api"):
        asked.total = answer.json()["TotalResults"]
