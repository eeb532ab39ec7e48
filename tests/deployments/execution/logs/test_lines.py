"""Numbering lines: interleaved streams, split characters, levels, and resuming anywhere."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contracts.spool import RECORD, STDERR, STDOUT, Frame
from deployments.execution.logs.lines import LineState, count_frames, read_frames


def frames_of(*parts: tuple[int, bytes]) -> list[Frame]:
    frames, offset = [], 0
    for stream, payload in parts:
        frames.append(Frame(stream, 1000, offset, payload))
        offset += len(payload)
    return frames


def level_record(stream: str, level: str) -> tuple[int, bytes]:
    return RECORD, json.dumps({"t": "level", "stream": stream, "level": level}).encode()


def texts(parts: list[Frame], state: LineState | None = None) -> dict[int, tuple[str, str]]:
    lines: dict[int, tuple[str, str]] = {}
    for segment in read_frames(parts, state or LineState()).segments:
        level, before = lines.get(segment.number, (segment.level, ""))
        lines[segment.number] = (level, before + segment.text)
    return lines


@pytest.mark.unit
def test_streams_interleave_within_lines() -> None:
    parts = frames_of((STDOUT, b"one "), (STDERR, b"oops\n"), (STDOUT, b"line\ntwo\n"))
    assert texts(parts) == {
        1: ("info", "one line"),
        2: ("error", "oops"),
        3: ("info", "two"),
    }


@pytest.mark.unit
def test_levels_switch_until_the_next_switch() -> None:
    parts = frames_of(
        (STDOUT, b"a\n"),
        level_record("stdout", "highlight"),
        (STDOUT, b"b\nc\n"),
        level_record("stdout", "info"),
        (STDOUT, b"d\n"),
    )
    assert [level for level, _ in texts(parts).values()] == [
        "info",
        "highlight",
        "highlight",
        "info",
    ]


@pytest.mark.unit
def test_a_character_split_between_frames_is_whole() -> None:
    euro = "€".encode()
    parts = frames_of((STDOUT, b"5 " + euro[:1]), (STDOUT, euro[1:2]), (STDOUT, euro[2:] + b"\n"))
    assert texts(parts) == {1: ("info", "5 €")}


@pytest.mark.unit
def test_bytes_that_are_not_utf8_become_replacement_characters() -> None:
    assert texts(frames_of((STDOUT, b"\xff\xfe\n"))) == {1: ("info", "\ufffd\ufffd")}


@pytest.mark.unit
def test_a_record_cut_by_a_resume_is_read_once_it_is_whole() -> None:
    body = json.dumps({"t": "output", "name": "A", "value": "b"}).encode()
    reading = read_frames(frames_of((RECORD, body[:9]), (RECORD, body[9:])), LineState())
    assert reading.records == [{"t": "output", "name": "A", "value": "b"}]


_PARTS = st.lists(
    st.tuples(st.sampled_from([STDOUT, STDERR]), st.text("aé€\n", min_size=1, max_size=8)),
    max_size=12,
)


@pytest.mark.unit
@given(_PARTS, st.integers(0, 12))
def test_reading_may_stop_and_resume_at_any_frame(parts: list[tuple[int, str]], cut: int) -> None:
    frames = frames_of(*((stream, text.encode()) for stream, text in parts))
    whole = read_frames(frames, LineState()).segments
    state = LineState()
    first = read_frames(frames[:cut], state).segments
    resumed = LineState.from_json(json.loads(json.dumps(state.to_json())))
    assert first + read_frames(frames[cut:], resumed).segments == whole


_RECORDS = st.sampled_from(["error", "info", "warning", "verbose"]).map(
    lambda level: level_record("stdout", level)
)
_WARNING = st.just((RECORD, json.dumps({"t": "warning", "message": "careful"}).encode()))
_BYTES = st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\xc3", b"\xa4", b"\xf0\x9f", b"\xff"]))
_TEXT = st.tuples(st.sampled_from([STDOUT, STDERR]), _BYTES.map(b"".join)).filter(lambda p: p[1])


@pytest.mark.unit
@given(st.lists(_TEXT | _RECORDS | _WARNING, max_size=12))
def test_counting_goes_where_reading_goes(parts: list[tuple[int, bytes]]) -> None:
    frames = frames_of(*parts)
    read, counted = LineState(), LineState()
    reading, count = read_frames(frames, read), count_frames(frames, counted)
    assert counted == read
    assert count.records == reading.records
    notable = {"warning", "error", "fatal"}
    assert count.is_notable == any(segment.level in notable for segment in reading.segments)
