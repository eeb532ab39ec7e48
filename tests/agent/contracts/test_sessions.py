"""Both session objects against each other and against duplicates, gaps and nonsense."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contracts import limits
from agent.contracts.codec import encode
from agent.contracts.messages import (
    Accepted,
    Cancel,
    CancelAck,
    CommandReport,
    Error,
    FinalAck,
    Finished,
    Goodbye,
    Hello,
    OutAck,
    Query,
    ResumePoint,
    Run,
    SessionLimits,
    State,
    Welcome,
)
from agent.contracts.out_frame import OutFrame, encode_out
from agent.contracts.sessions.agent import AgentSession
from agent.contracts.sessions.server import Close, Output, ServerSession

ID = "01920000-0000-7000-8000-000000000001"
HELLO = Hello(protocols=(1,), agent_version="1.0.0", boot_id="b")
RUN = Run(id=ID, kind="script", spec_hash="a" * 64, spec={}, ttl_s=60.0)


def out(offset: int, payload: bytes) -> OutFrame:
    return OutFrame(id=ID, stream=1, offset=offset, time_ms=5, payload=payload)


def connected(**welcome: Any) -> tuple[AgentSession, ServerSession]:
    agent, server = AgentSession(HELLO), ServerSession(0.0)
    assert server.receive(str(agent.next_control())) == [HELLO]
    message = replace(Welcome(session=7), **welcome)
    server.welcome(message)
    assert agent.receive(str(server.next_frame())) == [message]
    return agent, server


def frames(server: ServerSession) -> list[str]:
    return list(iter(server.next_frame, None))


def test_nothing_happens_before_the_welcome() -> None:
    agent, server = AgentSession(HELLO), ServerSession(0.0)
    assert server.receive(encode(Accepted(id=ID))) == []
    assert '"not_ready"' in str(server.next_frame())
    assert agent.receive(encode(RUN)) == []
    assert agent.log_room(ID) == 0
    assert server.receive(encode_out(out(0, b"x"))) == []
    assert '"not_ready"' in str(server.next_frame())


def test_a_session_without_hello_is_closed_in_time() -> None:
    server = ServerSession(100.0)
    assert server.next_tick() == 100.0 + limits.HELLO_TIMEOUT
    assert server.tick(109.0) == []
    assert server.tick(110.0) == [Close(limits.CLOSE_NO_HELLO, "no hello")]
    assert server.receive(encode(HELLO)) == []


def test_an_agent_of_another_protocol_is_closed() -> None:
    server = ServerSession(0.0)
    [event] = server.receive(encode(replace(HELLO, protocols=(98, 99))))
    assert isinstance(event, Close)
    assert event.code == limits.CLOSE_UNSUPPORTED_PROTOCOL


def test_unknown_and_broken_frames_are_answered_and_not_fatal() -> None:
    agent, server = connected()
    for peer in (agent, server):
        assert peer.receive('{"t":"dance"}') == []
        assert peer.receive("{") == []
    assert agent.receive(b"binary") == []
    assert '"unsupported"' in str(agent.next_control())
    assert '"unsupported"' in frames(server)[0]
    assert server.receive(encode(Accepted(id=ID))) == [Accepted(id=ID)]
    assert server.receive(encode(Error(code="x"))) == [Error(code="x")]


def test_a_peer_that_sends_only_nonsense_is_cut_off() -> None:
    agent, server = connected()
    for _ in range(limits.MAX_BAD_FRAMES):
        assert server.receive("{") == []
        agent.receive("{")
    broken_before = agent.broken
    agent.receive("{")
    assert (broken_before, agent.broken) == (False, True)
    assert isinstance(server.receive("{")[0], Close)


def test_run_and_cancel_are_repeated_until_answered() -> None:
    _, server = connected()
    server.send(RUN, 0.0)
    server.send(Cancel(id=ID), 1.0)
    assert len(frames(server)) == 2
    server.tick(4.9)
    assert frames(server) == []
    server.tick(5.0)
    assert frames(server) == [encode(replace(RUN, ttl_s=55.0))]
    server.receive(encode(Accepted(id=ID)))
    server.tick(11.0)
    assert frames(server) == [encode(Cancel(id=ID))]
    server.receive(encode(CancelAck(id=ID, state="signalled")))
    assert server.next_tick() is None


@pytest.mark.parametrize(
    ("report", "settled"),
    [
        (CommandReport(id=ID, state="started"), True),
        (CommandReport(id=ID, state="released"), True),
        (CommandReport(id=ID, state="accepted", needs_spec=True), False),
        (CommandReport(id=ID, state="unknown"), False),
    ],
)
def test_a_state_answers_a_run_unless_the_agent_still_needs_it(
    report: CommandReport, settled: bool
) -> None:
    _, server = connected()
    server.send(RUN, 0.0)
    server.receive(encode(State(commands=(report,))))
    assert (server.next_tick() is None) == settled


def test_an_error_that_names_a_run_ends_its_repetition() -> None:
    _, server = connected()
    server.send(RUN, 0.0)
    server.receive(encode(Error(code="malformed", re="run", id=ID)))
    assert server.next_tick() is None


def test_windows_limit_what_is_unacknowledged() -> None:
    small = SessionLimits(command_window=100, connection_window=150)
    agent, _ = connected(limits=small)
    other = "01920000-0000-7000-8000-000000000002"
    assert agent.log_room(ID) == 100
    agent.log_frame(out(0, bytes(80)))
    assert agent.log_room(ID) == 20
    agent.log_frame(replace(out(0, bytes(60)), id=other))
    assert agent.log_room(other) == 10
    agent.receive(encode(OutAck(id=ID, offset=50)))
    assert agent.log_room(ID) == 60
    assert agent.log_room(other) == 40
    agent.receive(encode(FinalAck(id=other)))
    assert agent.log_room(ID) == 70
    with pytest.raises(ValueError, match="order"):
        agent.log_frame(out(90, b"x"))


def test_finished_waits_for_the_output_that_precedes_it() -> None:
    agent, _ = connected(resume=(ResumePoint(id=ID, offset=3),))
    finished = Finished(id=ID, started=True, exit=0, bytes=5)
    assert not agent.send_finished(finished)
    agent.log_frame(out(3, b"de"))
    assert agent.send_finished(finished)
    assert agent.next_control() == encode(finished)


def test_output_is_taken_once_trimmed_and_asked_again_after_a_gap() -> None:
    _, server = connected(resume=(ResumePoint(id=ID, offset=2),))
    assert server.receive(encode_out(out(0, b"ab"))) == []
    assert server.receive(encode_out(out(0, b"abcd"))) == [Output(out(0, b"abcd").after(2))]
    assert server.receive(encode_out(out(9, b"x"))) == []
    assert server.receive(encode_out(out(10, b"y"))) == []
    assert frames(server) == [encode(OutAck(id=ID, offset=2, rewind=True))]
    server.log_durable(ID, 4)
    server.log_durable(ID, 4)
    assert frames(server) == [encode(OutAck(id=ID, offset=4))]
    server.log_lost(ID, 4)
    assert frames(server) == [encode(OutAck(id=ID, offset=4, rewind=True))]


def test_output_of_an_unknown_command_or_beyond_the_window_is_refused() -> None:
    _, server = connected(limits=SessionLimits(command_window=10))
    assert server.receive(encode_out(out(0, b"x"))) == []
    assert '"unknown_command"' in frames(server)[0]
    server.track(ID, 0)
    assert server.receive(encode_out(out(0, bytes(limits.MAX_OUT_PAYLOAD)))) != []
    assert server.receive(encode_out(out(limits.MAX_OUT_PAYLOAD, bytes(11)))) == []
    assert "window" in frames(server)[0]


@given(st.data())
@settings(max_examples=50)
def test_the_stored_log_is_exact_whatever_is_cut_lost_or_repeated(data: st.DataObject) -> None:
    """Sessions break at random, acks vanish, stores fail; offsets alone keep the log whole."""
    log = bytes(range(200))
    stored = b""
    small = SessionLimits(command_window=60, connection_window=60)
    for _ in range(200):
        agent, server = connected(resume=(ResumePoint(id=ID, offset=len(stored)),), limits=small)
        pending = b""
        for _ in range(data.draw(st.integers(1, 12))):
            move = data.draw(st.sampled_from(["send", "send", "repeat", "store", "lose", "ack"]))
            start = agent.log_position(ID)
            if move == "send":
                length = min(agent.log_room(ID), data.draw(st.integers(1, 40)), len(log) - start)
                wire = agent.log_frame(out(start, log[start : start + length]))
                events = server.receive(wire)
                pending += b"".join(e.frame.payload for e in events if isinstance(e, Output))
            elif move == "repeat":
                again = data.draw(st.integers(0, start))
                assert server.receive(encode_out(out(again, log[again:start][:40]))) == []
            elif move == "store":
                stored, pending = stored + pending, b""
                server.log_durable(ID, len(stored))
            elif move == "lose":
                pending = b""
                server.log_lost(ID, len(stored))
                for frame in frames(server):
                    agent.receive(frame)
            else:
                for frame in frames(server):
                    agent.receive(frame)
            assert log.startswith(stored + pending)
        if stored == log:
            break
    assert hashlib.sha256(log[: len(stored)]).digest() == hashlib.sha256(stored).digest()


def test_the_session_accepts_every_other_message() -> None:
    agent, server = connected()
    assert server.receive(encode(Goodbye(reason="stop"))) == [Goodbye(reason="stop")]
    assert agent.receive(encode(Query(ids=(ID,)))) == [Query(ids=(ID,))]
    assert server.receive(encode(HELLO)) == []
    assert agent.receive(encode(Welcome(session=8))) == []
    assert "second welcome" in str(agent.next_control())
    finished = Finished(id=ID, started=False)
    assert server.receive(encode(finished)) == [finished]
    assert server.log_received(ID) == 0
