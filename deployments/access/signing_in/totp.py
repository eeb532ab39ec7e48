"""Codes of authenticator apps (TOTP, RFC 6238): six digits, SHA-1, every 30 seconds."""

import base64
import secrets
from datetime import datetime
from hmac import compare_digest
from typing import Final
from urllib.parse import quote, urlencode

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES: Final = 20
_DIGITS: Final = 6
_STEP_S: Final = 30
# A phone's clock may be off by so many steps either way.
_LEEWAY: Final = 1


def new_secret() -> bytes:
    """Return a secret for one app."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a time step."""
    totp = TOTP(secret, _DIGITS, SHA1(), _STEP_S)  # noqa: S303 what the apps know
    return totp.generate(step * _STEP_S).decode()


def matching_step(secret: bytes, code: str, *, now: datetime, after: int = 0) -> int | None:
    """Return the time step that the code is of, none when it is not one near `now`.

    Steps up to `after` are over: a code counts once.
    """
    current, found = int(now.timestamp()) // _STEP_S, None
    for step in range(current - _LEEWAY, current + _LEEWAY + 1):
        is_right = compare_digest(code_at(secret, step).encode(), code.encode())
        if is_right and step > after:
            found = step
    return found


def secret_text(secret: bytes) -> str:
    """Return the secret as apps take it by hand: base32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def enrolment_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """Return the address that tells an app the secret and whose it is."""
    label = quote(f"{issuer}:{account}", safe="")
    values = {
        "secret": base64.b32encode(secret).decode().rstrip("="),
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": str(_DIGITS),
        "period": str(_STEP_S),
    }
    return f"otpauth://totp/{label}?{urlencode(values, quote_via=quote)}"


def qr_image(text: str) -> str:
    """Return a QR code as the address of an image (data:, SVG)."""
    return str(segno.make(text, error="m").svg_data_uri(scale=5, border=4, light="#fff"))
