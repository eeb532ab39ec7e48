"""Sessions: the newest wins, dead gateways are noticed, one credential is one machine."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from agent.contracts import limits
from agent.contracts.messages import FinalAck, GoAway, Hello, Upgrade, UpgradeState, Welcome
from deployments.base.clock import utc_now
from deployments.base.models import Event
from deployments.gateway import gateway as gateway_module
from deployments.gateway import sessions
from deployments.infrastructure.models import Agent, AgentSession, AgentUpgrade, Machine
from deployments.infrastructure.services.upgrades import request_upgrades
from tests.deployments.gateway.conftest import HELLO, GatewayLab, begin
from tests.factories import make_ana
from tests.factories.execution import Scene


def health(scene: Scene) -> str:
    return Machine.objects.in_space(scene.deployment.space).get().health_status


def test_the_newest_session_wins(scene: Scene) -> None:
    old, new = begin(scene), begin(scene)
    assert sessions.stale([old, new]) == {old}
    assert sessions.seen([old]) == ({old.agent_pk}, set())
    sessions.end_sessions([old])
    assert health(scene) == "Healthy"
    sessions.end_sessions([new])
    assert health(scene) == "Unavailable"


def test_the_session_of_a_deleted_agent_is_stale(scene: Scene) -> None:
    session = begin(scene)
    AgentSession.objects.all().delete()
    assert sessions.stale([session]) == {session}


def test_sessions_of_a_gateway_that_died_are_ended(scene: Scene) -> None:
    session = begin(scene)
    assert sessions.end_silent() == 0
    AgentSession.objects.update(last_seen=scene.clock() - timedelta(minutes=1))
    assert sessions.end_silent() == 1
    assert health(scene) == "Unavailable"
    # It was only cut off from the database: it says so and counts again.
    assert sessions.seen([session]) == (set(), set())
    assert health(scene) == "Healthy"


def test_a_revoked_agent_is_not_served(scene: Scene) -> None:
    session = begin(scene)
    Agent.objects.in_space(scene.deployment.space).update(revoked=scene.clock())
    assert sessions.seen([session]) == (set(), {session.agent_pk})
    assert not sessions.begin_sessions({session.agent_pk: HELLO}, "a gateway")


async def test_a_newer_connection_closes_the_older(lab: GatewayLab) -> None:
    async with lab.wire() as old, lab.wire() as new:
        await old.hello()
        run = await old.take()
        await new.hello()
        assert await old.closed() == limits.CLOSE_SUPERSEDED
        await new.print(run.id, 0, b"late\n")
        await new.end(run, 5)
        await new.hear(FinalAck)


async def test_two_machines_with_one_credential_are_cut_off(lab: GatewayLab) -> None:
    for boot_id in ("one", "two", "one"):
        async with lab.wire() as wire:
            await wire.hello(boot_id=boot_id)
    async with lab.wire() as wire:
        await wire.say(Hello(protocols=(1,), agent_version="1.0", boot_id="two"))
        assert await wire.closed() == limits.CLOSE_UNAUTHORIZED


async def test_a_state_folder_that_was_rolled_back_is_cut_off(lab: GatewayLab) -> None:
    machine = Machine.objects.in_space(lab.scene.deployment.space)
    hello = Hello(protocols=(1,), agent_version="1.0", boot_id="boot")
    # A folder that was lost as a whole knows that it knows nothing, and is served.
    for high in (7, 9, 9, 0, 3):
        async with lab.wire() as wire:
            await wire.say(replace(hello, journal_high=high))
            await wire.hear(Welcome)
    async with lab.wire() as wire:
        await wire.say(replace(hello, journal_high=2))
        assert await wire.closed() == limits.CLOSE_UNAUTHORIZED
    assert await lab.ask(lambda: machine.get().status_summary) == (
        "The agent's state folder was restored from an older copy"
    )
    events = Event.objects.filter(category="MachineQuarantined")
    assert "older state folder" in await lab.ask(lambda: events.get().message)
    with pytest.raises(Exception, match="401"):
        async with lab.wire():
            pass


async def test_a_revoked_credential_closes_the_socket(
    lab: GatewayLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revocation that is older than the quick look back is found as well."""
    monkeypatch.setattr(gateway_module, "SEEN_EVERY", 0.1)
    monkeypatch.setattr(gateway_module, "REVOKED_EVERY", 1000.0)
    agents = Agent.objects.in_space(lab.scene.deployment.space)
    async with lab.wire() as wire:
        await wire.hello()
        await lab.ask(lambda: agents.update(revoked=lab.scene.clock()))
        lab.gateway.start(lab.gateway._keep_seen())
        assert await wire.closed() == limits.CLOSE_UNAUTHORIZED


async def test_a_revoked_agent_is_cut_off_within_five_seconds(lab: GatewayLab) -> None:
    agents = Agent.objects.in_space(lab.scene.deployment.space)
    async with lab.wire() as wire:
        await wire.hello()
        await lab.ask(lambda: agents.update(revoked=utc_now()))
        assert gateway_module.REVOKED_EVERY <= 2
        assert await wire.closed() == limits.CLOSE_UNAUTHORIZED
    with pytest.raises(InvalidStatus, match="401"):
        async with lab.wire():
            pass


def test_a_planned_restart_leaves_time_for_as_many_as_there_are() -> None:
    gateway = gateway_module.Gateway()
    assert gateway.leave_window == 5.0
    connections: Any = dict.fromkeys(range(6000))  # only counted
    gateway._connections = connections
    assert gateway.leave_window == 30.0
    gateway.stop()


async def test_an_upgrade_is_sent_until_the_agent_has_begun(
    lab: GatewayLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "SEEN_EVERY", 0.1)
    ana = await lab.ask(make_ana)
    rows = [lab.scene.machines[0]]
    async with lab.wire() as wire:
        await wire.hello()
        await lab.ask(lambda: request_upgrades(actor=ana.actor, rows=rows))
        lab.gateway.start(lab.gateway._keep_seen())
        first, again = await wire.hear(Upgrade), await wire.hear(Upgrade)
        assert first == again
        told = UpgradeState(version=first.version, stage="trying", request=first.request)
        await wire.say(told)
        await wire.say(replace(told, stage="failed", detail="it crashed"))
        upgrades = AgentUpgrade.objects.all()
        async with asyncio.timeout(40):
            while (await lab.ask(upgrades.get)).stage != "failed":  # noqa: ASYNC110 a row
                await asyncio.sleep(0.02)
        # An agent that repeats itself after a welcome changes nothing.
        await wire.say(told)
        assert (await lab.ask(upgrades.get)).detail == "it crashed"


async def test_a_planned_restart_says_when_to_come_back(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        lab.gateway.start(lab.gateway.go_away(5))
        assert (await wire.hear(GoAway)).after_s == 5
        assert await wire.closed() == limits.CLOSE_GOING_AWAY


async def test_a_wrong_credential_is_refused(lab: GatewayLab) -> None:
    agents = Agent.objects.in_space(lab.scene.deployment.space)
    await lab.ask(lambda: agents.update(credential_sha256="0" * 64))
    with pytest.raises(Exception, match="401"):
        async with lab.wire():
            pass


def test_the_first_connection_and_a_return_after_long_are_told(scene: Scene) -> None:
    Machine.objects.in_space(scene.deployment.space).update(health_status="Unknown")
    start = utc_now()
    known = set(Event.objects.values_list("pk", flat=True))

    def told() -> list[tuple[str, str]]:
        rows = Event.objects.exclude(pk__in=known).order_by("pk")
        return list(rows.values_list("category", "message"))

    name = scene.machines[0].name
    session = begin(scene, clock=lambda: start)
    assert told() == [("MachineHealthy", f"{name} connected for the first time")]
    # A hiccup is not worth a word.
    sessions.end_sessions([session], clock=lambda: start)
    session = begin(scene, clock=lambda: start + sessions.LONG_AWAY / 2)
    assert len(told()) == 1
    sessions.end_sessions([session], clock=lambda: start)
    begin(scene, clock=lambda: start + sessions.LONG_AWAY * 2)
    assert told()[1:] == [("MachineHealthy", f"{name} is connected again")]
