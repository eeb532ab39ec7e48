"""Every call that the build tools' clients depend on, over a real socket to a real server."""

from typing import Any

import pytest

from tests.clients.wire_calls import Caller, read_cases, read_world
from tests.support.rest_cases import rest_subjects, run_table
from tests.support.server import API_KEY, OctopusServer

_CASES = read_cases()


@pytest.fixture(scope="session")
def world(octopus: OctopusServer) -> Caller:
    """Give a caller that knows a project with a release that is deployed."""
    caller = Caller(octopus.url, API_KEY).child()
    for call in read_world():
        caller.run(call)
    caller.names["world"] = caller.names["unique"]
    return caller


@pytest.mark.parametrize("case", [case for _, case in _CASES], ids=[name for name, _ in _CASES])
def test_call(world: Caller, case: dict[str, Any]) -> None:
    caller = world.child()
    for call in case.get("before", []):
        caller.run(call)
    caller.run(case)


@pytest.mark.parametrize("subject", rest_subjects())
def test_table(octopus: OctopusServer, subject: str) -> None:
    caller = Caller(octopus.url, API_KEY).child()

    def send(method: str, path: str, body: Any) -> tuple[int, Any]:
        call = {"send": f"{method} {path}", **({} if body is None else {"body": body})}
        answer = caller.send(call)
        return answer.status, answer.json if answer.text else None

    assert run_table(subject, send, space="Spaces-1", run=caller.names["unique"])
