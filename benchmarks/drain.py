"""200 deployments of 5 steps to 3 targets, queued at once: how fast the engine empties the queue.

The targets are virtual, so that the engine is measured and not bash.
"""

import sys
import time

from benchmarks.lab import Lab, open_lab, script_step
from benchmarks.results import Section
from benchmarks.virtual_agents import fleet_process

# Deployments of one project to one environment follow each other.
_PROJECTS, _OF_EACH = 20, 10
_SHORT_PROJECTS, _SHORT_OF_EACH = 3, 2
_STEPS, _TARGETS = 5, 3
_WITHIN = 80.0


def run(*, short: bool) -> Section:
    """Queue all, wait for the last, and count those that ended otherwise or not at all."""
    projects, of_each = (_SHORT_PROJECTS, _SHORT_OF_EACH) if short else (_PROJECTS, _OF_EACH)
    with open_lab() as lab:
        from benchmarks.seeding import add_virtual_machines, gateway_pin  # noqa: PLC0415 Django

        environment = lab.make_environment("Drain")
        credentials = add_virtual_machines(environment, _TARGETS, ["drain"])
        steps = [script_step(f"Step {n}", "echo hi", role="drain") for n in range(_STEPS)]
        releases = [lab.make_release(f"Project {n}", environment, steps) for n in range(projects)]
        url = f"wss://127.0.0.1:{lab.supervisor.configuration.gateway_port}"
        with fleet_process(url, gateway_pin(), credentials) as fleet:
            fleet.start(_TARGETS)
            fleet.wait_for("connected", _TARGETS, within=30)
            return _drain(lab, environment, releases, of_each)


def _drain(lab: Lab, environment: str, releases: list[str], of_each: int) -> Section:
    began = time.time()
    count = 0
    for release in releases * of_each:
        if time.time() > began + _WITHIN:
            break
        lab.queue(release, environment)
        count += 1
    queued = time.time()
    states, last = _wait_for_all(count, began + _WITHIN)
    took = last - began
    total = sum(states.values())
    section = Section()
    kind = "SQLite" if lab.supervisor.configuration.is_sqlite else "PostgreSQL"
    ended = states.get("Success", 0)
    section.add(f"{kind}: deployments that end in a minute", ended / took * 60, "")
    section.add(f"{kind}: of {total} queued, stuck or not successful", total - ended, at_most=0.5)
    section.remarks.append(
        f"{_STEPS} steps × {_TARGETS} targets each; queued within {queued - began:.1f} s by REST,"
        f" all ended {took:.1f} s after the first request: {ended * _STEPS * _TARGETS / took:.0f}"
        " target executions a second."
    )
    return section


def _wait_for_all(count: int, deadline: float) -> tuple[dict[str, int], float]:
    """Return how many tasks are in each state once all have ended or time is over, and when."""
    from django.db.models import Count, Max  # noqa: PLC0415 after Django's set-up

    from deployments.server_tasks.models import ServerTask  # noqa: PLC0415 after Django's set-up
    from deployments.server_tasks.states import FINISHED  # noqa: PLC0415 after Django's set-up

    rows = ServerTask.objects.unscoped(reason="a benchmark's own server").filter(kind="Deploy")
    while time.time() < deadline:
        left = count - rows.filter(state__in=FINISHED).count()
        if not left:
            break
        print(f"  {left} left", file=sys.stderr)
        time.sleep(1)
    states = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    last = rows.aggregate(last=Max("completed"))["last"]
    return states, last.timestamp() if last else time.time()
