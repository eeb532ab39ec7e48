"""Database queries of one deployment, counted in this process: engine and gateway."""

import base64
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_SCRIPT_RECORD = '{"t":"phase","name":"Run script","state":"started"}'


def count_in_new_database(sizes: tuple[int, ...]) -> dict[int, dict[str, int]]:
    """Return the queries by part for each number of targets, in a database made for this."""
    with tempfile.TemporaryDirectory(prefix="octopus-bench-") as folder:
        os.environ.update(
            OCTOPUS_DATA_DIR=folder,
            OCTOPUS_MASTER_KEY=base64.b64encode(os.urandom(32)).decode(),
            DJANGO_SETTINGS_MODULE="octopus_site.settings",
        )
        import django  # noqa: PLC0415 the settings come first

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        count(1)
        return {size: count(size) for size in sizes}


def count(targets: int) -> dict[str, int]:
    """Carry one deployment through in the current database; return the queries by part."""
    from deployments.execution.services.advance import advance  # noqa: PLC0415
    from deployments.gateway.deliveries import unfinished, wire_messages  # noqa: PLC0415
    from deployments.library.services import VariableInput  # noqa: PLC0415
    from deployments.server_tasks.services import schedule  # noqa: PLC0415
    from tests.factories.domain import script_step  # noqa: PLC0415
    from tests.factories.execution import NODE, make_scene  # noqa: PLC0415

    parallel = VariableInput(name="Octopus.Action.MaxParallelism", value="100")
    step = script_step(roles="web")
    scene = make_scene(step, machines=targets, begin=False, variables=lambda _: [parallel])
    task_id = scene.deployment.task_id
    counts: dict[str, int] = {}

    def part(name: str, work: Callable[[], Any]) -> Any:
        with counting() as queries:
            result = work()
        counts[name] = len(queries)
        return result

    agents = [machine.agent_id for machine in scene.machines if machine.agent_id]
    part("take from the queue", lambda: schedule(node_name=NODE))
    part("plan and start", lambda: advance(task_id))
    found = part("gateway: look for messages", lambda: unfinished(agents))
    part("gateway: read messages", lambda: wire_messages([item.pk for item in found]))
    part("gateway: store output and results", lambda: _store(found))
    part("finish", lambda: advance(task_id))
    if scene.task.state != "Success":
        raise AssertionError(f"the deployment ended as {scene.task.state}")
    return counts


@contextmanager
def counting() -> Iterator[list[str]]:
    """Collect the statements sent to the database."""
    from django.db import connection  # noqa: PLC0415

    statements: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield statements


def _store(found: Any) -> None:
    """Let every agent report acceptance, start, output and success in one moment."""
    from agent.contracts.messages import Accepted, Finished, Started  # noqa: PLC0415
    from agent.contracts.spool import RECORD, STDOUT, Frame  # noqa: PLC0415
    from deployments.gateway.masks import CommandSecrets  # noqa: PLC0415
    from deployments.gateway.sessions import Session  # noqa: PLC0415
    from deployments.gateway.store import Report, store  # noqa: PLC0415

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


if __name__ == "__main__":
    print(json.dumps(count_in_new_database((1, 50))))
