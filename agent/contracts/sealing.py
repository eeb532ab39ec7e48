"""Seal small secrets between runner and server with a 32-byte key, by the standard library alone.

Encrypt, then authenticate: an HMAC-SHA256 counter keystream and an HMAC-SHA256 tag, under two
keys derived from the given one. Layout: nonce (16), ciphertext, tag (32).
"""

import base64
import binascii
import hmac
import secrets

KEY_SIZE = 32
_NONCE_SIZE = 16
_TAG_SIZE = 32
_BLOCK_SIZE = 32


class SealBroken(ValueError):
    """The sealed bytes were changed, cut, or sealed with another key or context."""


def seal(key: bytes, plain: bytes, context: bytes = b"") -> bytes:
    """Return `plain` sealed; `context` is authenticated and must be given again to unseal."""
    encrypt_key, tag_key = _derive(key)
    nonce = secrets.token_bytes(_NONCE_SIZE)
    body = _apply_keystream(encrypt_key, nonce, plain)
    return nonce + body + _tag(tag_key, nonce, body, context)


def unseal(key: bytes, sealed: bytes, context: bytes = b"") -> bytes:
    """Return the plain bytes; raise SealBroken unless they are authentic."""
    encrypt_key, tag_key = _derive(key)
    if len(sealed) < _NONCE_SIZE + _TAG_SIZE:
        raise SealBroken("the sealed value is too short")
    nonce, body, tag = (
        sealed[:_NONCE_SIZE],
        sealed[_NONCE_SIZE:-_TAG_SIZE],
        sealed[-_TAG_SIZE:],
    )
    if not hmac.compare_digest(tag, _tag(tag_key, nonce, body, context)):
        raise SealBroken("the sealed value does not belong to this key")
    return _apply_keystream(encrypt_key, nonce, body)


def seal_text(key: bytes, text: str, context: str = "") -> str:
    """Seal a string and return base64 text."""
    plain = text.encode("utf-8", "surrogateescape")
    return base64.b64encode(seal(key, plain, context.encode())).decode("ascii")


def unseal_text(key: bytes, sealed: str, context: str = "") -> str:
    """Return the string sealed by `seal_text`; raise SealBroken."""
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SealBroken("the sealed value is not base64") from error
    return unseal(key, raw, context.encode()).decode("utf-8", "surrogateescape")


def _derive(key: bytes) -> tuple[bytes, bytes]:
    if len(key) != KEY_SIZE:
        raise ValueError(f"a sealing key has {KEY_SIZE} bytes, not {len(key)}")
    return (
        hmac.digest(key, b"octopus sealing: encrypt", "sha256"),
        hmac.digest(key, b"octopus sealing: authenticate", "sha256"),
    )


def _apply_keystream(key: bytes, nonce: bytes, data: bytes) -> bytes:
    if not data:
        return b""
    blocks = -(-len(data) // _BLOCK_SIZE)
    stream = b"".join(
        hmac.digest(key, nonce + number.to_bytes(8, "big"), "sha256") for number in range(blocks)
    )
    mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream[: len(data)], "big")
    return mixed.to_bytes(len(data), "big")


def _tag(key: bytes, nonce: bytes, body: bytes, context: bytes) -> bytes:
    head = len(context).to_bytes(8, "big") + context + nonce
    return hmac.digest(key, head + body, "sha256")
