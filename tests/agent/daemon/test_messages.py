"""Every message kind between a real `tentacle run` and a gateway over a real socket."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from agent.contracts.messages import (
    Accepted,
    Cancel,
    CancelAck,
    Error,
    FinalAck,
    Finished,
    GoAway,
    Goodbye,
    Hello,
    Progress,
    Query,
    Rejected,
    Started,
    State,
)
from agent.contracts.uuid7 import uuid7
from tests.agent.daemon.gateway import (
    CREDENTIAL,
    Daemon,
    Gateway,
    run_to_end,
    script,
    starts,
    waiting_for,
    witness,
)


def new_id() -> str:
    return uuid7(time.time_ns() // 1_000_000)


async def test_hello_says_who_the_agent_is(gateway: Gateway, daemon: Daemon) -> None:
    hello = await gateway.wait(Hello)
    assert hello.protocols == (1,)
    assert hello.agent_version
    assert hello.boot_id
    assert hello.os == "linux"
    assert "Bash" in hello.shells
    assert hello.free_disk > 0
    assert hello.commands == ()
    assert gateway.headers == [f"Bearer {CREDENTIAL}"]


async def test_a_script_runs_and_its_log_arrives_exactly(gateway: Gateway, daemon: Daemon) -> None:
    run = script("echo one; echo two >&2; printf 'no newline'; exit 3")
    finished = await run_to_end(gateway, run)
    assert finished.started
    assert finished.exit == 3
    assert finished.reason == ""
    assert gateway.streams[run.id][1].startswith(b"one\nno newline")
    assert b"two\n" in gateway.streams[run.id][2]
    assert [event.id for event in gateway.of_kind(Accepted)] == [run.id]


async def test_a_start_is_told_unless_the_result_comes_first(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    long = script(waiting_for(go))
    await gateway.send(long)
    assert (await gateway.wait(Started)).id == long.id
    go.touch()
    await gateway.finished(long.id)
    # On a busy machine some of them last as long as a long one does.
    short = [script("true") for _ in range(20)]
    for run in short:
        await run_to_end(gateway, run)
    assert len(gateway.of_kind(Started)) < 1 + len(short)


async def test_a_short_script_is_fast(gateway: Gateway, daemon: Daemon) -> None:
    await run_to_end(gateway, script("echo warm"))
    took = []
    for _ in range(20):
        began = time.monotonic()
        await run_to_end(gateway, script("echo hi"))
        took.append(time.monotonic() - began)
    assert min(took) < 0.2


async def test_the_same_run_again_starts_nothing(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    gateway.final = False
    run = script(witness(tmp_path) + "sleep 0.5")
    for _ in range(5):
        await gateway.send(run)
    await gateway.finished(run.id)
    await gateway.send(run)
    again = await gateway.wait(Finished, count=2)
    assert again.exit == 0
    await gateway.send(FinalAck(id=run.id))
    await gateway.send(run)
    state = await gateway.wait(State, lambda event: event.commands[0].state == "released")
    assert state.commands[0].spec_hash == run.spec_hash
    assert starts(tmp_path) == 1


async def test_the_same_id_with_another_spec_is_a_conflict(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    run = script("sleep 0.3")
    other = replace(script(witness(tmp_path)), id=run.id)
    await gateway.send(run)
    await gateway.send(other)
    assert (await gateway.wait(Rejected)).code == "duplicate_conflict"
    await gateway.finished(run.id)
    await asyncio.sleep(0.2)
    await gateway.send(other)
    assert (await gateway.wait(Rejected, count=2)).code == "duplicate_conflict"
    assert starts(tmp_path) == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ttl_s": 0.0}, "expired"),
        ({"kind": "dance"}, "unsupported"),
        ({"spec_hash": "0" * 64}, "bad_hash"),
        ({"spec": None}, "unsupported"),
    ],
)
async def test_a_run_that_cannot_be_is_rejected(
    gateway: Gateway, daemon: Daemon, fields: dict[str, object], code: str
) -> None:
    run = replace(script("true"), **fields)  # type: ignore[arg-type]
    await gateway.send(run)
    assert (await gateway.wait(Rejected)).code == code
    assert not (daemon.home / "cmd" / run.id).exists()


async def test_a_command_that_waits_too_long_expires(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    first, second = script(waiting_for(go)), script(witness(tmp_path), ttl_s=0.4)
    await gateway.send(first)
    await gateway.send(second)
    finished = await gateway.finished(second.id)
    assert (finished.started, finished.reason) == (False, "expired")
    go.touch()
    assert (await gateway.finished(first.id)).exit == 0
    assert starts(tmp_path) == 0


async def test_cancel_stops_a_running_script(gateway: Gateway, daemon: Daemon) -> None:
    run = script("echo up; sleep 60 & wait")
    await gateway.send(run)
    await gateway.wait(Started)
    await gateway.send(Cancel(id=run.id, grace_s=1.0, reason="enough"))
    assert (await gateway.wait(CancelAck)).state == "signalled"
    finished = await gateway.finished(run.id, seconds=30.0)
    assert finished.reason == "cancelled"
    assert finished.started
    await gateway.send(Cancel(id=run.id))
    assert (await gateway.wait(CancelAck, count=2)).state == "already_finished"


async def test_cancel_before_the_run_arrives(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    run = script(witness(tmp_path))
    await gateway.send(Cancel(id=run.id))
    assert (await gateway.wait(CancelAck)).state == "tombstoned"
    await gateway.send(run)
    assert (await gateway.wait(Rejected)).code == "cancelled"
    await daemon.kill()
    await daemon.start()
    await gateway.wait(Hello, count=2)
    await gateway.send(run)
    assert (await gateway.wait(Rejected, count=2)).code == "cancelled"
    assert starts(tmp_path) == 0


async def test_cancel_while_waiting_for_the_turn(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    first, second = script(waiting_for(go)), script(witness(tmp_path))
    await gateway.send(first)
    await gateway.wait(Started)
    await gateway.send(second)
    await gateway.wait(Accepted, count=2)
    await gateway.send(Cancel(id=second.id))
    assert (await gateway.wait(CancelAck)).state == "tombstoned"
    finished = await gateway.finished(second.id)
    assert (finished.started, finished.reason) == (False, "cancelled")
    go.touch()
    await gateway.finished(first.id)
    assert starts(tmp_path) == 0


async def test_query_tells_the_state_of_each_id(gateway: Gateway, daemon: Daemon) -> None:
    gateway.final = False
    run, stranger = script("echo x"), new_id()
    await gateway.send(run)
    await gateway.finished(run.id)
    await gateway.send(Query(ids=(run.id, stranger)))
    state = await gateway.wait(State)
    assert [report.state for report in state.commands] == ["finished", "unknown"]
    assert state.commands[0].offset == len(gateway.logs[run.id])
    await gateway.send(Query())
    assert [report.id for report in (await gateway.wait(State, count=2)).commands] == [run.id]


async def test_goaway_is_obeyed(gateway: Gateway, daemon: Daemon) -> None:
    await gateway.send(GoAway(after_s=0.2, reason="restart"))
    goodbye = await gateway.wait(Goodbye)
    assert goodbye.reconnect_s == 0.2
    await gateway.wait(Hello, count=2)


async def test_unknown_and_broken_messages_are_answered(gateway: Gateway, daemon: Daemon) -> None:
    for text in ('{"t":"dance"}', "{", json.dumps({"t": "run", "id": "../../etc"})):
        await gateway.send_text(text)
    await gateway.wait(Error, count=3)
    assert [event.code for event in gateway.of_kind(Error)] == [
        "unsupported",
        "malformed",
        "malformed",
    ]
    await gateway.send(Error(code="unsupported", re="hello"))
    assert (await run_to_end(gateway, script("true"))).exit == 0


async def test_forget_and_cancel_in_the_welcome(
    gateway: Gateway, daemon: Daemon, tmp_path: Path
) -> None:
    gateway.final = False
    done, running = script("echo done"), script("sleep 60")
    await gateway.send(done)
    await gateway.finished(done.id)
    await gateway.send(running)
    await gateway.wait(Started, lambda event: event.id == running.id)
    gateway.forget, gateway.cancel = (done.id,), (running.id,)
    await gateway.drop()
    assert (await gateway.wait(CancelAck)).state == "signalled"
    assert (await gateway.finished(running.id)).reason == "cancelled"
    await gateway.send(Query(ids=(done.id,)))
    assert (await gateway.wait(State)).commands[0].state == "released"


async def test_a_running_command_shows_progress(
    gateway: Gateway, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = script("sleep 11")
    await gateway.send(run)
    progress = await gateway.wait(Progress)
    assert progress.id == run.id
    assert progress.elapsed_ms >= 9_000


async def test_sigterm_says_goodbye_and_leaves_scripts_running(
    gateway: Gateway, daemon: Daemon
) -> None:
    run = script("sleep 1.5; echo survived")
    await gateway.send(run)
    await gateway.wait(Started)
    assert await daemon.stop() == 0
    await gateway.wait(Goodbye)
    await daemon.start()
    finished = await gateway.finished(run.id)
    assert finished.exit == 0
    assert gateway.streams[run.id][1] == b"survived\n"
    gateway.check_log(finished)
