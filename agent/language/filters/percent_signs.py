"""Escapes of addresses: percent signs with the bytes of characters."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from agent.language.characters import whole_characters

_KEPT: Final = "-_.~;/?:@&=+$,[]!'()*%"
_LONE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_NOT_ASCII: Final = 0x80
# Bytes that are part of no character, as the decoder marks them.
_BYTES: Final = {0xDC00 + byte: f"%{byte:02X}" for byte in range(_NOT_ASCII, 256)}


def unescape(text: str) -> str:
    """Put characters for their escapes; bytes that are none stay as they are."""
    return re.sub(r"(?:%[0-9A-Fa-f]{2})+", lambda run: _decoded(run.group()), text)


def _decoded(run: str) -> str:
    data = bytes.fromhex(run.replace("%", ""))
    return data.decode("utf-8", "surrogateescape").translate(_BYTES)


def escape(text: str) -> str:
    """Escape what may not stand in an address, and nothing that need not be."""
    escaped = quote(whole_characters(text), safe=_KEPT)
    return _ESCAPE.sub(_shortest, _LONE_PERCENT.sub("%25", escaped))


def escape_name(path: str) -> str:
    """Escape the percent signs of a file's name, but for those that stand for letters."""
    return _ESCAPE.sub(_of_name, path)


def _shortest(found: re.Match[str]) -> str:
    code = int(found.group(1), 16)
    char = chr(code)
    if code >= _NOT_ASCII:
        return found.group().upper()
    return char if char.isalnum() or char in "-_.~" else found.group()


def _of_name(found: re.Match[str]) -> str:
    is_letter = int(found.group(1), 16) >= _NOT_ASCII or _shortest(found) != found.group()
    return found.group() if is_letter else f"%25{found.group(1)}"
