"""The service message parser, at every cut of its input."""

import base64

import pytest

from agent.runtime.runner.service_messages import (
    MAX_BODY,
    BadMessage,
    Event,
    ServiceMessage,
    ServiceMessageParser,
)


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def parse(*pieces: bytes) -> list[Event]:
    parser = ServiceMessageParser()
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.flush()
    joined: list[Event] = []
    for event in events:
        if isinstance(event, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += event
        else:
            joined.append(event)
    return joined


VARIABLE = (
    f"##octopus[setVariable name='{encode('Näme')}' value='{encode('a' + chr(13) + chr(10))}']"
)
MESSAGE = ServiceMessage("setVariable", {"name": "Näme", "value": "a\r\n"})
PROGRESS = ServiceMessage("stdout-verbose", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"plain\ntext", [b"plain\ntext"]),
        (VARIABLE.encode() + b"\nnext\n", [MESSAGE, b"next\n"]),
        (VARIABLE.replace("'", '"').encode() + b"\r\nnext", [MESSAGE, b"next"]),
        (b"start " + VARIABLE.encode() + b" dropped\nnext", [b"start ", MESSAGE, b"\nnext"]),
        (b"##octopus[stdout-verbose]\n" * 2, [PROGRESS, PROGRESS]),
        (b"##octopus[ stdout-verbose ]", [PROGRESS]),
        (b"###octopus[stdout-verbose]\n", [b"###octopus[stdout-verbose]\n"]),
        (b"##octopu[x]\n##oct", [b"##octopu[x]\n##oct"]),
        (b"##octopus[stdout-ver\nbose]\n-", [PROGRESS, b"-"]),
        (b"\0\xff\xfe##octopus[stdout-verbose]\n\x80", [b"\0\xff\xfe", PROGRESS, b"\n\x80"]),
        (VARIABLE[:40].encode() + b"\n" + VARIABLE[40:].encode() + b"\n", [MESSAGE]),
    ],
)
def test_events_at_every_cut(text: bytes, expected: list[Event]) -> None:
    assert parse(text) == expected
    assert parse(*(text[at : at + 1] for at in range(len(text)))) == expected
    for cut in range(len(text)):
        assert parse(text[:cut], text[cut:]) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"##octopus[]\n",
        b"##octopus[name value='%%%']\n",
        b"##octopus[name value='abc']\n",
        b"##octopus[name a='YQ==' A='YQ==']\n",
        b"##octopus[name value=YQ==]\n",
        b"##octopus[name value='YQ==",
    ],
)
def test_bad_messages_are_told(text: bytes) -> None:
    events = parse(text)
    assert any(isinstance(event, BadMessage) for event in events)
    assert not any(isinstance(event, ServiceMessage) for event in events)


def test_what_is_no_message_stays_in_the_text() -> None:
    events = parse(b"##octopus[hello, world]\n##octopus[stdout-verbose]\n")
    assert b"".join(event for event in events if isinstance(event, bytes)) == (
        b"##octopus[hello, world]\n"
    )
    assert PROGRESS in events


def test_an_endless_message_does_not_fill_memory() -> None:
    parser = ServiceMessageParser()
    events = parser.feed(b"##octopus[x y='")
    for _ in range(MAX_BODY // 1_000_000 + 2):
        events += parser.feed(b"A" * 1_000_000)
    events += parser.feed(b"']\nafter\n")
    assert isinstance(events[0], BadMessage)
    assert events[-1] == b"after\n"
    assert len(events) == 2


def test_long_lines_pass_at_once() -> None:
    parser = ServiceMessageParser()
    assert parser.feed(b"x" * 100_000) == [b"x" * 100_000]
    assert parser.feed(b"y#") == [b"y"]
    assert parser.feed(b"z") == [b"#z"]
