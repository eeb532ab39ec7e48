"""JSON text to message and back: strict about types and size, deaf to unknown fields."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from agent.contracts import limits
from agent.contracts.field_types import FieldError, reader_for
from agent.contracts.messages import FROM_AGENT, FROM_SERVER, FromAgent, FromServer, Message
from agent.contracts.uuid7 import is_id

M = TypeVar("M")


class CodecError(ValueError):
    """A frame that cannot be used; kind and id of the message as far as they could be read."""

    def __init__(
        self, code: str, detail: str, kind: str | None = None, command_id: str | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.kind = kind
        self.command_id = command_id


def encode(message: Message) -> str:
    """Write a message as JSON text; CodecError `too_big` above MAX_CONTROL_FRAME bytes."""
    body = {"v": limits.PROTOCOL_VERSION, "t": message.KIND, **_fields(message)}
    try:
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (ValueError, TypeError, RecursionError) as problem:
        raise CodecError("malformed", str(problem), message.KIND) from problem
    if size > limits.MAX_CONTROL_FRAME:
        detail = f"{size} bytes, the limit is {limits.MAX_CONTROL_FRAME}"
        raise CodecError("too_big", detail, message.KIND)
    return text


def decode_from_agent(text: str) -> FromAgent:
    """Read a control frame of an agent; CodecError unsupported, malformed or too_big."""
    body, kind, command_id = _open(text)
    return _read(_AGENT_KINDS, body, kind, command_id)


def decode_from_server(text: str) -> FromServer:
    """Read a control frame of a gateway; CodecError unsupported, malformed or too_big."""
    body, kind, command_id = _open(text)
    return _read(_SERVER_KINDS, body, kind, command_id)


_AGENT_KINDS: dict[str, type[FromAgent]] = {kind.KIND: kind for kind in FROM_AGENT}
_SERVER_KINDS: dict[str, type[FromServer]] = {kind.KIND: kind for kind in FROM_SERVER}


def _open(text: str) -> tuple[dict[str, Any], str, str | None]:
    if len(text) > limits.MAX_CONTROL_FRAME or _size(text) > limits.MAX_CONTROL_FRAME:
        raise CodecError("too_big", f"the limit is {limits.MAX_CONTROL_FRAME} bytes")
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():
            # An escaped lone surrogate is valid JSON but cannot be written again as UTF-8.
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as problem:
        raise CodecError("malformed", "not JSON") from problem
    if not isinstance(body, dict):
        raise CodecError("malformed", "not a JSON object")
    kind, given = body.get("t"), body.get("id")
    command_id = given if isinstance(given, str) and is_id(given) else None
    if not isinstance(kind, str):
        raise CodecError("malformed", "t must be text", None, command_id)
    return body, kind, command_id


def _read(
    kinds: Mapping[str, type[M]], body: dict[str, Any], kind: str, command_id: str | None
) -> M:
    if kind not in kinds:
        raise CodecError("unsupported", f"unknown kind {kind[:64]!r}", kind[:64], command_id)
    try:
        chosen: type = kinds[kind]
        message: M = reader_for(chosen)(body, "")
    except FieldError as problem:
        raise CodecError("malformed", str(problem), kind, command_id) from problem
    return message


def _fields(value: Any) -> dict[str, Any]:
    pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    return {name: _plain(item) for name, item in pairs if item is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return _fields(value)
    return value


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
