"""What a Git server says of its references, in protocol version 0; pure.

Lines have a length of four hexadecimal digits before them (gitprotocol-common, gitprotocol-http).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_LENGTH: Final = 4
_SERVICE: Final = b"# service=git-upload-pack"
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PEELED: Final = "^{}"
_LONGEST_NAME: Final = 500


class Malformed(ValueError):
    """These are no references as a Git server tells them; the text says what is wrong."""


def references_in(body: bytes) -> Mapping[str, str]:
    """Return the object of each reference by its full name, for annotated tags their commit.

    Raises Malformed.
    """
    lines = _lines(body)
    if next(lines, b"").rstrip(b"\n") != _SERVICE:
        raise Malformed("it does not speak Git's smart HTTP")
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith(b"ERR "):
            said = line[4:].decode("utf-8", "replace").strip()
            raise Malformed(f"it says: {said[:_LONGEST_NAME]}")
        # Behind a zero byte in the first line are the server's capabilities.
        text = line.partition(b"\0")[0].decode("utf-8", "replace").rstrip("\n")
        object_id, _, name = text.partition(" ")
        is_told = name.startswith("refs/") and len(name) <= _LONGEST_NAME
        if is_told and _OBJECT_ID.fullmatch(object_id):
            found[name.removesuffix(_PEELED)] = object_id
    return found


def _lines(body: bytes) -> Iterator[bytes]:
    """Give the lines, without those that only separate."""
    place = 0
    while place < len(body):
        head = body[place : place + _LENGTH]
        try:
            length = int(head, 16) if len(head) == _LENGTH else -1
        except ValueError:
            length = -1
        if length in {0, 1, 2}:
            place += _LENGTH
            continue
        if length < _LENGTH or place + length > len(body):
            raise Malformed("it does not speak Git's smart HTTP")
        yield body[place + _LENGTH : place + length]
        place += length
