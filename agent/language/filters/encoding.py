"""Filters that encode and hash: Base64, percent signs, digests."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from urllib.parse import quote

from agent.language.characters import whole_characters
from agent.language.environment import Call, Filter
from agent.language.limits import FilterError
from agent.language.numbers import parse_int32

_UTF8 = "utf-8"
_ENCODINGS = {"utf8": _UTF8, "utf-8": _UTF8, "unicode": "utf-16-le"}
_BASE64 = "base64"
_KEPT_IN_URIS = "-_.~;/?:@&=+$,#[]!'()*"
_KEPT_IN_DATA = "-_.~"
# Other blanks are no part of Base64.
_NO_SPACES = str.maketrans("", "", " \t\r\n")


def _to_base64(call: Call) -> str | None:
    encoding = _encoding(call)
    if encoding is None:
        return None
    return base64.b64encode(whole_characters(call.text).encode(encoding)).decode("ascii")


def _from_base64(call: Call) -> str | None:
    # What cannot be decoded fails whatever the encoding is said to be.
    decoded = _decode(call.text)
    if decoded is None:
        raise FilterError("FromBase64: the text is not valid Base64.")
    encoding = _encoding(call)
    return None if encoding is None else decoded.decode(encoding, "replace")


def _encoding(call: Call) -> str | None:
    return _ENCODINGS.get(call.options[0].lower()) if call.options else _UTF8


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.translate(_NO_SPACES), validate=True)
    except (binascii.Error, ValueError):
        return None


def _uri(call: Call) -> str:
    return quote(whole_characters(call.text), safe=_KEPT_IN_URIS)


def _uri_data(call: Call) -> str:
    return quote(whole_characters(call.text), safe=_KEPT_IN_DATA)


def _digest(algorithm: str) -> Callable[[Call], str | None]:
    def digest(call: Call) -> str | None:
        size: int | None = None
        encoding: str | None = None
        for option in call.options:
            number, known = parse_int32(option), option.lower()
            if number is not None and number > 0 and size is None:
                size = number
            elif known in (*_ENCODINGS, _BASE64) and encoding is None:
                encoding = known
            else:
                return None
        content = _hashed_bytes(call.text, encoding or _UTF8)
        if content is None:
            return None
        hashed = hashlib.new(algorithm, content, usedforsecurity=False).digest()
        return hashed[:size].hex()

    return digest


def _hashed_bytes(text: str, encoding: str) -> bytes | None:
    if encoding == _BASE64:
        return _decode(text)
    return whole_characters(text).encode(_ENCODINGS[encoding])


def _hash_bucket(call: Call) -> str:
    """Put the text into one of so many buckets, always the same one."""
    if len(call.options) != 1:
        return "[HashBucket error: expected a single bucket count]"
    count = parse_int32(call.options[0])
    if count is None or count < 1:
        return f"[HashBucket error: bucket count '{call.options[0]}' is not a positive integer]"
    if not call.argument:
        return ""
    digest = hashlib.sha256(whole_characters(call.argument).encode(_UTF8)).digest()
    return str(int.from_bytes(digest[:4], "big") % count)


FILTERS = {
    "tobase64": Filter(_to_base64, most=1),
    "frombase64": Filter(_from_base64, most=1),
    "hashbucket": Filter(_hash_bucket, most=None, takes_missing=True),
    "uriescape": Filter(_uri),
    "uridataescape": Filter(_uri_data),
    **{
        algorithm: Filter(_digest(algorithm), most=2)
        for algorithm in ("md5", "sha1", "sha256", "sha384", "sha512")
    },
}
