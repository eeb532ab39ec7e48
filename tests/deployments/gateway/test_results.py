"""From the offer to the final acknowledgement; what breaks between is said again."""

import asyncio

import pytest
from django.db import OperationalError

from agent.contracts.messages import (
    Accepted,
    Cancel,
    CancelAck,
    CommandReport,
    FinalAck,
    Finished,
    OutAck,
    Rejected,
    Run,
    Started,
)
from deployments.execution.logs import append
from deployments.execution.models import AgentMessage, OutputVariable
from deployments.gateway import commits as commits_module
from deployments.gateway import deliveries as deliveries_module
from deployments.gateway import store as store_module
from deployments.server_tasks.services import cancel_task
from tests.deployments.gateway.conftest import GatewayLab
from tests.factories.people import SYSTEM

RECORD = 3


async def test_a_run_goes_out_and_its_result_comes_back(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        welcome = await wire.hello()
        assert welcome.resume == ()  # the agent has nothing of it yet
        run = await wire.take()
        await wire.say(Started(id=run.id))
        await lab.state("Running")
        await wire.print(run.id, 0, b"hello\n")
        assert (await wire.hear(OutAck)).offset == 6
        await wire.end(run, 6, b"hello\n")
        await wire.hear(FinalAck)
    assert await lab.state("Succeeded", "Failed") == "Succeeded"
    assert await lab.printed() == b"hello\n"


async def test_an_agent_that_is_busy_is_offered_the_run_again(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        first = await wire.hear(Run)
        await wire.say(Rejected(id=first.id, code="busy"))
        again = await wire.hear(Run)
        assert again.id == first.id
        await wire.say(Rejected(id=first.id, code="disk_full", detail="no space"))
        assert await lab.state("Failed") == "Failed"
    assert "no space" in (await lab.execution()).error_message


async def test_what_a_connection_lost_is_said_again_on_the_next(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.print(run.id, 0, b"one\n")
        await wire.hear(OutAck)
        await wire.print(run.id, 4, b"two\n")
    async with lab.wire() as wire:
        report = CommandReport(id=run.id, state="started")
        (point,) = (await wire.hello(report)).resume
        assert point.offset in {4, 8}
        await wire.print(run.id, point.offset, b"one\ntwo\nthree\n"[point.offset :])
        await wire.end(run, 14)
        await wire.hear(FinalAck)
    assert await lab.printed() == b"one\ntwo\nthree\n"


async def test_a_database_that_is_away_for_a_while_costs_nothing(
    lab: GatewayLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 2

    def store(*arguments: object) -> object:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise OperationalError("the database is away")
        return store_module.store(*arguments)  # type: ignore[arg-type]

    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        monkeypatch.setattr(commits_module, "_RETRY_PAUSE", 0.05)
        monkeypatch.setattr(commits_module, "store", store)
        await wire.print(run.id, 0, b"one\n")
        await asyncio.sleep(0.3)
        await wire.print(run.id, 4, b"two\n")
        await wire.end(run, 8, b"one\ntwo\n")
        await wire.hear(FinalAck)
    assert failures < 0
    assert await lab.printed() == b"one\ntwo\n"


async def test_a_report_that_cannot_be_stored_ends_its_command_alone(
    lab: GatewayLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(records: object) -> None:
        raise ValueError("nobody can store this")

    monkeypatch.setattr("deployments.execution.services.mailbox.record_outputs", broken)
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.print(run.id, 0, b'{"t":"progress","percentage":5}', stream=RECORD)
        await wire.hear(FinalAck)
    assert await lab.state("Lost") == "Lost"
    assert "could not be stored" in (await lab.execution()).error_message


async def test_texts_that_databases_refuse_are_stored_without_what_they_refuse(
    lab: GatewayLab,
) -> None:
    record = b'{"t":"output","name":"a\\u0000b","value":"x\\u0000\\ud800y"}'
    level = b'{"t":"level","stream":"stdout","level":"\\u0000"}'
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.print(run.id, 0, record, stream=RECORD)
        await wire.print(run.id, len(record), level, stream=RECORD)
        length = len(record) + len(level)
        await wire.end(run, length, record + level, exit=2**40, message="no\0thing")
        await wire.hear(FinalAck)
    assert await lab.state("Failed") == "Failed"
    rows = OutputVariable.objects.in_space(lab.scene.deployment.space)
    assert await lab.ask(lambda: rows.values_list("name", "value").get()) == (
        "a\ufffdb",
        "x\ufffd?y",
    )


async def test_frames_that_could_not_be_appended_are_asked_for_again(
    lab: GatewayLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = append.append_output

    def refuse_once(output: object, **options: object) -> object:
        # As if another gateway had appended at the same place at the same moment.
        monkeypatch.setattr(store_module, "append_output", real)
        return real({pk: [] for pk in output}, **options)  # type: ignore[attr-defined, arg-type]

    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.print(run.id, 0, b"one\n")
        await wire.hear(OutAck)
        monkeypatch.setattr(store_module, "append_output", refuse_once)
        await wire.print(run.id, 4, b"two\n")
        ack = await wire.hear(OutAck)
        assert (ack.offset, ack.rewind) == (4, True)
        await wire.print(run.id, 4, b"two\n")
        await wire.end(run, 8, b"one\ntwo\n")
        await wire.hear(FinalAck)
    assert await lab.printed() == b"one\ntwo\n"


async def test_a_run_that_cannot_be_read_fails_and_stops_nobody(
    lab: GatewayLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = AgentMessage.objects.in_space(lab.scene.deployment.space)
    await lab.ask(lambda: messages.update(sealed_body=b"\1" + bytes(40)))
    async with lab.wire() as wire:
        await wire.hello()
        assert await lab.state("Failed") == "Failed"
    assert "master key" in (await lab.execution()).error_message


async def test_messages_whose_reading_failed_are_offered_again(
    lab: GatewayLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = deliveries_module.wire_messages
    calls = 0

    def fail_twice(pks: object) -> object:
        nonlocal calls
        calls += 1
        if calls <= 2:
            raise OperationalError("away") if calls == 1 else KeyError("a bug")
        return real(pks)  # type: ignore[arg-type]

    messages = AgentMessage.objects.in_space(lab.scene.deployment.space)
    await lab.ask(lambda: messages.update(finished=lab.scene.clock()))
    async with lab.wire() as wire:
        await wire.hello()
        monkeypatch.setattr(deliveries_module, "wire_messages", fail_twice)
        await lab.ask(lambda: messages.update(finished=None))
        await wire.take()
    assert calls >= 3


async def test_a_log_that_arrived_otherwise_fails_the_command_and_says_so(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.print(run.id, 0, b"hello\n")
        await wire.end(run, 6, b"hallo\n")
        await wire.hear(FinalAck)
    execution = await lab.execution()
    assert (execution.state, execution.has_warnings) == ("Failed", True)
    assert "not the output" in execution.error_message
    assert b"Its log is incomplete" in await lab.stored()


async def test_a_cancel_ends_a_command_and_its_run_is_not_repeated(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.hear(Run)
        scene = lab.scene
        await lab.ask(lambda: cancel_task(actor=SYSTEM, task=scene.task))
        await lab.ask(scene.advance)
        cancel = await wire.hear(Cancel)
        assert cancel.id == run.id
        await wire.say(CancelAck(id=run.id, state="tombstoned"))
        await wire.say(Rejected(id=run.id, code="cancelled"))
        assert await lab.state("Canceled", "Failed") == "Canceled"


async def test_an_agent_that_lost_its_state_ends_its_commands(lab: GatewayLab) -> None:
    async with lab.wire() as wire:
        await wire.hello()
        run = await wire.take()
        await wire.say(Accepted(id=run.id))
        await wire.say(Started(id=run.id))
        await lab.state("Running")
    async with lab.wire() as wire:
        await wire.hello()
        assert await lab.state("Lost") == "Lost"


async def test_a_result_nobody_waits_for_is_acknowledged(lab: GatewayLab) -> None:
    unknown = "01890000-0000-7000-8000-000000000000"
    async with lab.wire() as wire:
        welcome = await wire.hello(CommandReport(id=unknown, state="finished"))
        assert welcome.forget == (unknown,)
        await wire.say(Finished(id=unknown, started=True))
        assert (await wire.hear(FinalAck)).id == unknown
