"""Database queries of one deployment, counted in this process: engine and gateway.

All agents report in the same moment. When they report one by one, each moment costs one store, and
one look at the plan, more.
"""

import base64
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.results import Section, grid

_SCRIPT_RECORD = '{"t":"phase","name":"Run script","state":"started"}'
_FEW, _MANY, _STEPS = 1, 50, 5
_FAN_OUT, _EACH = 25, 6.0

Counts = dict[str, int]


def run(*, short: bool) -> Section:
    """Count in a database made for this; a small and a large deployment are enough."""
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
        count(1)
        shapes = [(_FEW, 1), (_FAN_OUT, 1), (_MANY, 1), (_FEW, _STEPS), (_MANY, _STEPS)]
        return _section({shape: count(*shape) for shape in shapes})


def _section(counts: dict[tuple[int, int], Counts]) -> Section:
    section = Section()
    total = {shape: sum(parts.values()) for shape, parts in counts.items()}
    section.add("queries of a deployment to one target", total[_FEW, 1])
    for targets, steps in ((_FAN_OUT, 1), (_MANY, _STEPS)):
        what = f"queries for each target execution, {targets} targets, {steps} step(s)"
        section.add(what, total[targets, steps] / targets / steps, at_most=_EACH)
    grown = max(total[_MANY, n] - total[_FEW, n] for n in (1, _STEPS))
    section.add(f"queries more for {_MANY} targets than for one", grown, at_most=0.5)
    per_step = (total[_FEW, _STEPS] - total[_FEW, 1]) / (_STEPS - 1)
    section.add("queries for each further step, whatever the targets", per_step)
    shapes = list(counts)
    rows = [
        [part, *(str(counts[shape].get(part, 0)) for shape in shapes)]
        for part in counts[_FEW, _STEPS]
    ]
    rows.append(["in all", *(str(total[shape]) for shape in shapes)])
    head = [f"{targets} × {steps}" for targets, steps in shapes]
    section.remarks.append(grid(["queries, targets × steps", *head], rows))
    return section


def count(targets: int, steps: int = 1) -> Counts:
    """Carry one deployment through in the current database; return the queries by part."""
    from deployments.execution.services.advance import advance  # noqa: PLC0415 after Django's set-up
    from deployments.gateway.deliveries import unfinished, wire_messages  # noqa: PLC0415 after Django's set-up
    from deployments.library.services import VariableInput  # noqa: PLC0415 after Django's set-up
    from deployments.server_tasks.services import schedule  # noqa: PLC0415 after Django's set-up
    from tests.factories.domain import script_step  # noqa: PLC0415 after Django's set-up
    from tests.factories.execution import NODE, make_scene  # noqa: PLC0415 after Django's set-up

    parallel = VariableInput(name="Octopus.Action.MaxParallelism", value="10000")
    process = [script_step(f"Step {number}", roles="web") for number in range(steps)]
    scene = make_scene(*process, machines=targets, begin=False, variables=lambda _: [parallel])
    task_id = scene.deployment.task_id
    counts: Counts = {}

    def part(name: str, work: Callable[[], Any]) -> Any:
        with counting() as queries:
            result = work()
        counts[name] = counts.get(name, 0) + len(queries)
        return result

    agents = [machine.agent_id for machine in scene.machines if machine.agent_id]
    part("take from the queue", lambda: schedule(node_name=NODE))
    part("plan and start", lambda: advance(task_id))
    for number in range(steps):
        found = part("gateway: look for messages", lambda: unfinished(agents))
        pks = [item.pk for item in found]
        part("gateway: read messages", lambda: wire_messages(pks))  # noqa: B023 called at once
        part("gateway: store output and results", lambda: _store(found))  # noqa: B023 called at once
        is_last = number == steps - 1
        part("finish" if is_last else "go on to the next step", lambda: advance(task_id))
    if scene.task.state != "Success":
        raise AssertionError(f"the deployment ended as {scene.task.state}")
    return counts


@contextmanager
def counting() -> Iterator[list[str]]:
    """Collect the statements sent to the database."""
    from django.db import connection  # noqa: PLC0415 after Django's set-up

    statements: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield statements


def _store(found: Any) -> None:
    """Let every agent report acceptance, start, output and success in one moment."""
    from agent.contracts.messages import Accepted, Finished, Started  # noqa: PLC0415 after Django's set-up
    from agent.contracts.spool import RECORD, STDOUT, Frame  # noqa: PLC0415 after Django's set-up
    from deployments.gateway.masks import CommandSecrets  # noqa: PLC0415 after Django's set-up
    from deployments.gateway.sessions import Session  # noqa: PLC0415 after Django's set-up
    from deployments.gateway.store import Report, store  # noqa: PLC0415 after Django's set-up

    record = _SCRIPT_RECORD.encode()
    frames = [Frame(RECORD, 1, 0, record), Frame(STDOUT, 2, len(record), b"hi\n")]
    reports = [
        Report(
            Session(item.agent_pk, 1),
            item.command_id,
            item.execution_pk,
            list(frames),
            [
                Accepted(id=item.command_id),
                Started(id=item.command_id, time_ms=1, pid=1),
                Finished(id=item.command_id, started=True, exit=0, bytes=frames[-1].end),
            ],
        )
        for item in found
    ]
    outcomes = store(reports, CommandSecrets())
    if not all(outcome.ended for outcome in outcomes):
        raise AssertionError("a result was not stored")
