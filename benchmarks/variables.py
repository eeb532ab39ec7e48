"""A project with thousands of variables: its page, and shipping them to a target.

Shipping is what the server does for the next step of a deployment to one target: it reads the plan
with its frozen values, lets the right ones win, evaluates them and writes the sealed command.
"""

import base64
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from benchmarks.queries import counting
from benchmarks.results import Section, grid, percentile

_MANY, _FEW = 5_000, 5
_ROUNDS, _SHORT_ROUNDS = 20, 5
_PAGE_GOAL_MS, _SHIP_GOAL_MS = 300.0, 50.0
_PAGES = (
    ("page of the variables", ""),
    ("page of the variables, searched", "?q=Setting[4"),
    ("page of the variables, who wins", "?environment={environment}"),
    ("page of the variables, last page", "?page=100"),
    ("form of a new variable", "?add="),
)
_HEAD = ["what", "median, ms", "p95, ms", "processor, ms", "queries"]


def run(*, short: bool) -> Section:
    """Measure few and many in a database made for this, as a manager of the space."""
    with tempfile.TemporaryDirectory(prefix="octopus-bench-") as folder:
        os.environ.update(
            OCTOPUS_DATA_DIR=folder,
            OCTOPUS_MASTER_KEY=base64.b64encode(os.urandom(32)).decode(),
            DJANGO_SETTINGS_MODULE="octopus_site.settings",
        )
        import django  # noqa: PLC0415 the settings come first

        from octopus_site.memory import load_pages, loading  # noqa: PLC0415 as above

        with loading():
            django.setup()
            load_pages()
        from django.core.management import call_command  # noqa: PLC0415 after Django's set-up

        call_command("migrate", verbosity=0)
        rounds = _SHORT_ROUNDS if short else _ROUNDS
        section, rows = Section(), []
        shipped = {number: list(ship(number, rounds)) for number in (_FEW, _MANY)}
        for number, times in shipped.items():
            what = f"next step for one target with {number:,} variables"
            rows.append(_add(section, what, times, None))
        few, many = (percentile([wall for wall, *_ in shipped[n]], 50) for n in (_FEW, _MANY))
        what = f"of it, resolving and shipping {_MANY:,} variables"
        section.add(what, many - few, "ms", at_most=_SHIP_GOAL_MS)
        few, many = (percentile([own for _, own, _ in shipped[n]], 50) for n in (_FEW, _MANY))
        section.add("of that, what the processor does", many - few, "ms")
        for what, ask in _asks(_MANY):
            ask()
            rows.append(_add(section, what, [_timed(ask) for _ in range(rounds)], _PAGE_GOAL_MS))
        section.remarks.append(grid(_HEAD, rows))
        return section


Times = tuple[float, float, int]


def _add(section: Section, what: str, times: list[Times], goal: float | None) -> list[str]:
    walls = [wall for wall, _, _ in times]
    section.add(f"{what}, p95", percentile(walls, 95), "ms", at_most=goal)
    own = percentile([own for _, own, _ in times], 50)
    numbers = (percentile(walls, 50), percentile(walls, 95), own)
    return [what, *(f"{number:.0f}" for number in numbers), str(max(q for *_, q in times))]


def _timed(work: Callable[[], Any]) -> Times:
    """Return how long it takes, what of it the processor does here, and its queries."""
    with counting() as statements:
        began, busy = time.perf_counter(), time.process_time()
        work()
        own, wall = time.process_time() - busy, time.perf_counter() - began
    return wall * 1000, own * 1000, len(statements)


def variables(number: int, role: str = "web") -> list[Any]:
    """Return so many variables: some scoped, some secret, some that mention the next one."""
    from deployments.library.services import VariableInput  # noqa: PLC0415 after Django's set-up

    return [
        VariableInput(
            name=f"Project.Setting[{each}].Value",
            value=f"https://#{{Project.Setting[{each + 1}].Value}}/path"
            if each % 10 == 0
            else f"The value of setting {each}",
            is_sensitive=each % 20 == 7,
            scope={"Role": [role]} if each % 5 == 1 else {},
        )
        for each in range(number)
    ]


def ship(number: int, steps: int) -> Iterator[Times]:
    """Yield the cost of each further step of a deployment to one target."""
    from deployments.execution.services.advance import advance  # noqa: PLC0415 after Django's set-up
    from deployments.server_tasks.services import schedule  # noqa: PLC0415 as above
    from tests.factories.domain import script_step  # noqa: PLC0415 as above
    from tests.factories.execution import NODE, make_scene  # noqa: PLC0415 as above

    process = [script_step(f"Step {each}", roles="web") for each in range(steps + 3)]
    scene = make_scene(*process, begin=False, variables=lambda _: variables(number))
    schedule(node_name=NODE)
    advance(scene.deployment.task_id)
    for turn in range(steps + 2):
        scene.finish(*scene.runs())
        times = _timed(lambda: advance(scene.deployment.task_id))
        if turn > 1:
            # Names that were never seen before are read once in the life of a worker.
            yield times
    if not scene.runs():
        raise AssertionError(f"the deployment is {scene.state()} and ships nothing")


def _asks(number: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    from tests.factories import make_ana  # noqa: PLC0415 after Django's set-up
    from tests.factories.domain import (  # noqa: PLC0415 as above
        make_environment,
        make_project,
        make_variables,
    )
    from tests.support.portal import Visitor  # noqa: PLC0415 as above

    environment = make_environment()
    project = make_project("Configured")
    make_variables(project, *variables(number))
    visitor = Visitor(make_ana())

    def get(address: str) -> None:
        answer = visitor.client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")

    for what, query in _PAGES:
        address = f"{visitor.base}/projects/{project.slug}/variables{query}"
        address = address.format(environment=environment.public_id)
        yield f"{what}, {number:,} of them", lambda address=address: get(address)  # type: ignore[misc]  # default
    yield from _edits(visitor, project, number)


def _edits(visitor: Any, project: Any, number: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield opening the form of one value in its row, and saving it; each time another text."""
    from deployments.library.models import Variable  # noqa: PLC0415 after Django's set-up

    rows = Variable.objects.in_space(project.space).filter(is_sensitive=False)
    row, part = rows.order_by("position")[number // 2], {"HX-Target": "group-x"}
    path = f"projects/{project.slug}/variables"
    texts = count(1)

    def open_form() -> str:
        query = {"edit": row.guid, "group": row.name}
        return str(visitor.get(path, query, headers=part).content.decode())

    def save() -> None:
        found = re.search(r'name="version" value="(\d+)"', version[0])
        sent = {
            "id": row.guid,
            "name": row.name,
            "group": row.name,
            "value": f"text {next(texts)}",
            "version": found[1] if found else "",
        }
        answer = visitor.post(f"{path}/save", sent, headers=part)
        news = json.loads(answer["HX-Trigger"])["saved-value"]
        version[0] = f'name="version" value="{news["version"]}"'

    version = [open_form()]
    yield f"form of one value in its row, {number:,} of them", open_form
    yield f"one value saved in its row, {number:,} of them", save
