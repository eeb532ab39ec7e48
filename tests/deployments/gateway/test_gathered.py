"""Questions of one moment are asked together, and a bad one harms no other."""

import asyncio
from collections.abc import Mapping

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from deployments.gateway import sessions
from deployments.gateway.gathered import Gathered
from deployments.infrastructure.models import AgentSession, Machine
from tests.deployments.gateway.conftest import HELLO
from tests.factories.domain import make_environment, make_machine
from tests.factories.execution import make_agent


async def test_what_comes_while_one_call_runs_goes_together_into_the_next() -> None:
    calls: list[dict[int, str]] = []

    async def work(questions: Mapping[int, str]) -> dict[int, str]:
        calls.append(dict(questions))
        await asyncio.sleep(0.01)
        return {key: text.upper() for key, text in questions.items() if text != "unknown"}

    gathered = Gathered(work)
    first = asyncio.create_task(gathered.ask(0, "first"))
    await asyncio.sleep(0.001)
    later = [gathered.ask(1, "a"), gathered.ask(2, "b"), gathered.ask(1, "c")]
    assert await asyncio.gather(first, *later) == ["FIRST", "A", "B", "C"]
    assert calls == [{0: "first"}, {1: "a", 2: "b"}, {1: "c"}]
    assert await gathered.ask(3, "unknown") is None


async def test_a_bad_question_fails_alone() -> None:
    async def work(questions: Mapping[int, str]) -> dict[int, str]:
        if "bad" in questions.values():
            raise ValueError("bad")
        return dict(questions)

    gathered = Gathered(work)
    asked = [gathered.ask(key, text) for key, text in enumerate(["a", "bad", "c"])]
    one, two, three = await asyncio.gather(*asked, return_exceptions=True)
    assert (one, three) == ("a", "c")
    assert isinstance(two, ValueError)


async def test_when_the_database_is_away_nobody_asks_again() -> None:
    calls = 0

    async def work(questions: Mapping[int, str]) -> dict[int, str]:
        nonlocal calls
        calls += 1
        raise OperationalError("away")

    gathered = Gathered(work)
    found = await asyncio.gather(gathered.ask(1, "a"), gathered.ask(2, "b"), return_exceptions=True)
    assert [type(error) for error in found] == [OperationalError, OperationalError]
    assert calls == 1


@pytest.mark.django_db
def test_sessions_begin_and_end_with_as_many_queries_for_all_as_for_one() -> None:
    environment = make_environment()
    agents = [make_agent(make_machine(environment), connected=False) for _ in range(30)]
    counts = []
    for some in (agents[:1], agents[1:]):
        with CaptureQueriesContext(connection) as captured:
            begun = sessions.begin_sessions({agent.pk: HELLO for agent in some}, "gateway")
            sessions.end_sessions(begun.values())
        assert begun.keys() == {agent.pk for agent in some}
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_only_the_current_of_several_sessions_is_ended() -> None:
    environment = make_environment()
    machines = [make_machine(environment) for _ in range(3)]
    pks = [make_agent(machine, connected=False).pk for machine in machines]
    old = sessions.begin_sessions(dict.fromkeys(pks, HELLO), "gateway")
    new = sessions.begin_sessions({pks[0]: HELLO}, "another gateway")
    sessions.end_sessions([*old.values()])
    open_ones = AgentSession.objects.filter(disconnected=None)
    assert list(open_ones.values_list("agent_id", "number")) == [(pks[0], new[pks[0]].number)]
    rows = Machine.objects.in_space(environment.space)
    states = dict(rows.values_list("agent_id", "health_status"))
    assert [states[pk] for pk in pks] == ["Healthy", "Unavailable", "Unavailable"]
