"""Every message kind survives the codec; everything else is refused with a reason."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contracts import limits
from agent.contracts.codec import CodecError, decode_from_agent, decode_from_server, encode
from agent.contracts.messages import (
    FROM_AGENT,
    FROM_SERVER,
    Accepted,
    Cancel,
    CommandReport,
    Finished,
    Isolation,
    Message,
    ResumePoint,
    Run,
    SessionLimits,
    SpecRef,
)
from agent.contracts.out_frame import FIRST, LAST, OutFrame, decode_out, encode_out
from agent.contracts.spec import spec_hash
from agent.contracts.uuid7 import is_id, raw_id, text_id, uuid7

ID = "0192abcd-0000-7000-8000-000000000001"
text = st.text(st.characters(codec="utf-8"), max_size=20)
ids = st.binary(min_size=16, max_size=16).map(text_id)
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
offsets = st.integers(0, 2**63 - 1)
seconds = st.floats(0, 10**9, allow_nan=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)

EVERY_KIND: set[type[Message]] = {*FROM_AGENT, *FROM_SERVER}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": ids,
    "spec_hash": hashes,
    "sha256": hashes,
    "offset": offsets,
    "session": offsets,
    "protocols": st.lists(st.integers(1, 9), max_size=3).map(tuple),
    "shells": st.lists(text, max_size=3).map(tuple),
    "capabilities": st.lists(text, max_size=3).map(tuple),
    "spec": st.dictionaries(text, json_values, max_size=3),
    "spec_ref": st.builds(SpecRef, size=st.integers(1, 1000), sha256=hashes),
    "limits": st.builds(SessionLimits, command_window=st.integers(1, 9999), tombstone_s=seconds),
    "resume": st.lists(st.builds(ResumePoint, id=ids, offset=offsets), max_size=3).map(tuple),
    "cancel": st.lists(ids, max_size=3).map(tuple),
    "forget": st.lists(ids, max_size=3).map(tuple),
    "ids": st.lists(ids, max_size=3).map(tuple),
    "isolation": st.builds(Isolation, name=text, mode=st.sampled_from(["exclusive", "shared"])),
    "exit": st.integers(-255, 255) | st.none(),
    "re": text | st.none(),
}


def messages_of(kind: type[Message]) -> st.SearchStrategy[Message]:
    chosen = {name: FIELDS[name] for name in kind.__dataclass_fields__ if name in FIELDS}
    if kind.KIND in ("hello", "state"):
        chosen["commands"] = st.lists(
            st.builds(CommandReport, id=ids, state=st.sampled_from(["accepted", "released"])),
            max_size=3,
        ).map(tuple)
    for name, field in kind.__dataclass_fields__.items():
        if field.type is str and name not in chosen:
            chosen[name] = text
    return st.builds(kind, **chosen)


@pytest.mark.parametrize("kind", sorted(EVERY_KIND, key=str))
@settings(max_examples=30)
@given(data=st.data())
def test_every_kind_round_trips(kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(messages_of(kind))
    if kind in FROM_AGENT:
        assert decode_from_agent(encode(message)) == message
    if kind in FROM_SERVER:
        assert decode_from_server(encode(message)) == message


frames = st.builds(
    OutFrame,
    id=ids,
    stream=st.sampled_from([1, 2, 3]),
    offset=st.integers(0, 2**62),
    time_ms=st.integers(0, 2**63),
    payload=st.binary(max_size=300),
)


@given(frames, st.integers(0, 300))
def test_output_frames_round_trip_and_can_be_cut(frame: OutFrame, cut: int) -> None:
    assert decode_out(encode_out(frame)) == frame
    rest = frame.after(frame.offset + min(cut, len(frame.payload)))
    assert rest.end == frame.end
    assert frame.payload.endswith(rest.payload)
    assert rest.flags == (FIRST | LAST if rest.offset == frame.offset else LAST)


@given(st.binary(max_size=120))
def test_garbage_is_never_anything_but_a_codec_error(data: bytes) -> None:
    with contextlib.suppress(CodecError):
        decode_out(data)
    with contextlib.suppress(CodecError):
        decode_from_agent(data.decode("latin-1"))


def flip_last_byte(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    "spoil", [flip_last_byte, lambda data: data[:10], lambda data: data + bytes(65 * 1024)]
)
def test_damaged_output_is_refused(spoil: Any) -> None:
    good = encode_out(OutFrame(id=ID, stream=1, offset=0, time_ms=1, payload=b"abc"))
    with pytest.raises(CodecError):
        decode_out(spoil(good))


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"t": "accepted"}, "malformed", "id is missing"),
        ({"t": "accepted", "id": "../../etc"}, "malformed", "required form"),
        ({"t": "accepted", "id": ID.upper()}, "malformed", "required form"),
        ({"t": "dance", "id": ID}, "unsupported", "unknown kind"),
        ({"t": "run", "id": ID}, "unsupported", "unknown kind"),
        ({"t": 5}, "malformed", "t must be text"),
        ([], "malformed", "not a JSON object"),
        ({"t": "progress", "id": ID, "offset": -1}, "malformed", "between"),
        ({"t": "progress", "id": ID, "offset": True}, "malformed", "integer"),
        ({"t": "progress", "id": ID, "offset": 1.5}, "malformed", "integer"),
        ({"t": "finished", "id": ID, "started": 1}, "malformed", "true or false"),
        ({"t": "cancel_ack", "id": ID, "state": "maybe"}, "malformed", "one of"),
        ({"t": "state", "commands": [{"id": ID}]}, "malformed", "commands[0].state is missing"),
        ({"t": "goodbye", "reason": "\ud800"}, "malformed", "not JSON"),
        ({"t": "goodbye", "reason": "x" * 300_000}, "too_big", "limit"),
    ],
)
def test_wrong_messages_get_a_reason(body: Any, code: str, words: str) -> None:
    with pytest.raises(CodecError) as caught:
        decode_from_agent(json.dumps(body))
    assert caught.value.code == code
    assert words in caught.value.detail


@pytest.mark.parametrize("body", ["", "nul", "{", '{"t":NaN}', "[" * 100_000, '{"t":1e999}'])
def test_text_that_is_no_json_is_malformed(body: str) -> None:
    with pytest.raises(CodecError) as caught:
        decode_from_server(body)
    assert caught.value.code == "malformed"


def test_unknown_fields_are_ignored_and_null_means_absent() -> None:
    body = {"t": "accepted", "id": ID, "colour": "red", "v": 9, "n": None}
    assert decode_from_agent(json.dumps(body)) == Accepted(id=ID)
    finished = {"t": "finished", "id": ID, "started": True, "exit": None, "reason": None}
    assert decode_from_agent(json.dumps(finished)) == Finished(id=ID, started=True)


def test_the_limit_counts_bytes_and_holds_when_writing() -> None:
    with pytest.raises(CodecError, match="too_big"):
        encode(Cancel(id=ID, reason="é" * (limits.MAX_CONTROL_FRAME // 2)))
    spec = {"body": "x" * (limits.MAX_INLINE_SPEC - 100)}
    run = Run(id=ID, kind="script", spec_hash=spec_hash(spec), spec=spec)
    assert decode_from_server(encode(run)) == run


def test_ids_carry_their_time_and_sort_by_it() -> None:
    first, second = uuid7(1_700_000_000_000), uuid7(1_700_000_000_001)
    assert first < second
    assert is_id(first)
    assert first[14] == "7"
    assert first[19] in "89ab"
    assert int.from_bytes(raw_id(second)[:6], "big") == 1_700_000_000_001
    assert text_id(raw_id(first)) == first
    for bad in ("", "..", first + "x", first.upper(), "{" + first[1:]):
        assert not is_id(bad)


def test_the_spec_hash_ignores_the_order_of_keys() -> None:
    assert spec_hash({"a": 1, "b": "é"}) == spec_hash({"b": "é", "a": 1})
    assert spec_hash({"a": 1}) != spec_hash({"a": "1"})
