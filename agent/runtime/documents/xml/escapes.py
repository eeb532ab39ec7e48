"""What character data means, and how a text is written as such."""

import re

_REFERENCE = re.compile(r"&(#[0-9]+|#x[0-9a-fA-F]+|\w+);")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_IN_TEXT = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#xD;"}
_IN_ATTRIBUTE = _IN_TEXT | {ord("\n"): "&#xA;", ord("\t"): "&#x9;"}
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_LAST_CODE = 0x10FFFF


def allowed(value: str) -> str:
    """Return the text with a mark in place of each character that no XML may have."""
    return _FORBIDDEN.sub("\ufffd", value)


def warning_of(name: str, value: str) -> list[str]:
    """Return a warning for a variable whose value cannot stand in XML as it is."""
    if allowed(value) == value:
        return []
    return [f"The value of {name} has characters that XML forbids; they became \ufffd."]


def decode(raw: str) -> str:
    """Return the text that raw character data means; unknown entities stay as written."""
    if "\r" in raw:
        raw = raw.replace("\r\n", "\n").replace("\r", "\n")
    return _REFERENCE.sub(_decoded, raw) if "&" in raw else raw


def encode_text(value: str, newline: str = "\n") -> str:
    """Return character data that means the value; its newlines become those of the document."""
    encoded = allowed(value.replace("\r\n", "\n")).translate(_IN_TEXT)
    return encoded if newline == "\n" else encoded.replace("\n", newline)


def encode_attribute(value: str, quote: str = '"') -> str:
    """Return the inside of an attribute that means the value."""
    table = _IN_ATTRIBUTE | {ord(quote): "&quot;" if quote == '"' else "&apos;"}
    return allowed(value).translate(table)


def _decoded(match: re.Match[str]) -> str:
    name = match[1]
    if name[0] != "#":
        return _ENTITIES.get(name, match[0])
    is_hex = name[1] == "x"
    code = int(name[2:] if is_hex else name[1:], 16 if is_hex else 10)
    return chr(code) if code <= _LAST_CODE else match[0]
