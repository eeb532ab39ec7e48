"""UUIDv7 text ids: sortable by time, made by the server, used as folder names by the agent."""

import os
import re

_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid7(now_ms: int) -> str:
    """Make a version 7 UUID as lower-case text for a unix time in milliseconds."""
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return text_id(value.to_bytes(16, "big"))


def is_id(text: str) -> bool:
    """Tell whether the text is a lower-case UUID, and therefore safe as a file name."""
    return _TEXT.fullmatch(text) is not None


def text_id(raw: bytes) -> str:
    """Write 16 bytes as UUID text."""
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def raw_id(text: str) -> bytes:
    """Read UUID text into 16 bytes; ValueError when it is not an id."""
    if not is_id(text):
        raise ValueError("not a lower-case UUID")
    return bytes.fromhex(text.replace("-", ""))
