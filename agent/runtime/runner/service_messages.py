"""Take service messages (`##octopus[name key='base64']`) out of a stream of bytes."""

import base64
import binascii
import re
from dataclasses import dataclass, field

START = b"##octopus["
MAX_BODY = 8 * 1024 * 1024

# What helper functions write between the brackets; anything else is text of the script.
_FOREIGN = re.compile(rb"[^\w.:=+/'\" \t\r\n-]")
_NAME = re.compile(r"[A-Za-z_][\w.\-]*")
_ATTRIBUTE = re.compile(r"""\s+([A-Za-z_][\w.\-]*)\s*=\s*(?:'([^']*)'|"([^"]*)")""")


@dataclass(frozen=True, slots=True)
class ServiceMessage:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadMessage:
    """Something that began like a service message; `reason` holds none of its values."""

    reason: str


Event = bytes | ServiceMessage | BadMessage


class ServiceMessageParser:
    """Split one stream into text and messages.

    A message may begin inside a line and go over several lines; the rest of its last line is
    dropped. Text is passed on at once, save for an unfinished beginning of a message.
    """

    def __init__(self) -> None:
        self._held = b""
        self._previous = b"\n"
        self._body: bytearray | None = None
        self._skipping = False
        self._keep_newline = False

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        rest = self._held + data
        self._held = b""
        while rest:
            if self._skipping:
                rest = self._skip(rest)
            elif self._body is not None:
                rest = self._collect(rest, self._body, events)
            else:
                rest = self._scan(rest, events)
        return events

    def flush(self) -> list[Event]:
        """Return what is left at the end of the stream."""
        events: list[Event] = []
        if self._body is not None:
            self._text(START + bytes(self._body), events)
            events.append(BadMessage("The output ended inside a service message."))
        self._text(self._held, events)
        self._held, self._body, self._skipping = b"", None, False
        return events

    def _text(self, text: bytes, events: list[Event]) -> None:
        if text:
            events.append(text)
            self._previous = text[-1:]

    def _scan(self, rest: bytes, events: list[Event]) -> bytes:
        at = rest.find(START)
        if at < 0:
            sizes = range(len(START) - 1, 0, -1)
            held = next((size for size in sizes if rest.endswith(START[:size])), 0)
            self._text(rest[: len(rest) - held], events)
            self._held = rest[len(rest) - held :]
            return b""
        before = rest[at - 1 : at] if at else self._previous
        if before == b"#":
            self._text(rest[: at + len(START)], events)
            return rest[at + len(START) :]
        self._text(rest[:at], events)
        self._keep_newline = before != b"\n"
        self._body = bytearray()
        return rest[at + len(START) :]

    def _collect(self, rest: bytes, body: bytearray, events: list[Event]) -> bytes:
        end = rest.find(b"]")
        piece = rest if end < 0 else rest[:end]
        if _FOREIGN.search(piece):
            self._body = None
            self._text(START, events)
            events.append(BadMessage("A line looks like a service message but is none."))
            return bytes(body) + rest
        body += piece
        if len(body) > MAX_BODY:
            self._body, self._skipping = None, True
            events.append(BadMessage(f"A service message is longer than {MAX_BODY} bytes."))
        elif end >= 0:
            self._body, self._skipping = None, True
            events.append(parse_body(bytes(body)))
        return b"" if end < 0 else rest[end + 1 :]

    def _skip(self, rest: bytes) -> bytes:
        newline = rest.find(b"\n")
        if newline < 0:
            return b""
        self._skipping = False
        if self._keep_newline:
            return rest[newline:]
        self._previous = b"\n"
        return rest[newline + 1 :]


def parse_body(body: bytes) -> ServiceMessage | BadMessage:
    """Read what stands between the brackets."""
    text = body.decode("utf-8", "replace").replace("\r", "").replace("\n", "").strip()
    name = _NAME.match(text)
    if name is None:
        return BadMessage("A service message has no name.")
    what = f"The service message {name.group()[:60]}"
    attributes: dict[str, str] = {}
    position = name.end()
    while match := _ATTRIBUTE.match(text, position):
        key = match.group(1).lower()
        if key in attributes:
            return BadMessage(f"{what} has the attribute {key[:60]} twice.")
        try:
            raw = base64.b64decode((match.group(2) or match.group(3) or ""), validate=True)
        except binascii.Error:
            return BadMessage(f"{what} has no base64 in its attribute {key[:60]}.")
        attributes[key] = raw.decode("utf-8", "replace")
        position = match.end()
    if text[position:].strip():
        return BadMessage(f"{what} cannot be understood.")
    return ServiceMessage(name.group(), attributes)
