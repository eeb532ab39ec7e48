"""The lines of an archive: a heading that names the file before, then one event each. Pure."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

# A line that is longer is none of ours.
LONGEST_LINE: Final = 64 * 1024 * 1024


def heading(file_name: str, previous: str) -> bytes:
    """Return the first line of a file; `previous` is the SHA-256 of the file before, or empty."""
    return line({"File": file_name, "Previous": previous, "Format": 1})


def line(document: Mapping[str, Any]) -> bytes:
    """Return the document as one line, always the same bytes for the same content."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # Half of a pair of UTF-16, which came in an escape of JSON, becomes one again.
    return text.encode(errors="backslashreplace") + b"\n"


def is_same(archived: bytes, document: Mapping[str, Any], derived: Collection[str]) -> bool:
    """Tell whether the document says what the line says, but for what is derived or new."""
    if archived == line(document).rstrip(b"\n"):
        return True
    said, now = json.loads(archived), json.loads(line(document))
    return all(
        name in now and now[name] == value for name, value in said.items() if name not in derived
    )


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file that comes in pieces. Raises ValueError for an endless one."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > LONGEST_LINE:
            raise ValueError("a line does not end")
    if rest:
        yield rest


def number_of(text: bytes) -> int:
    """Return the number of the event on a line. Raises ValueError."""
    found = json.loads(text)
    try:
        return int(found["AutoId"])
    except (LookupError, TypeError) as error:
        raise ValueError("a line is no event") from error
