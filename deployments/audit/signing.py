"""The signature of what is sent to a web address, as its receiver checks it. Pure."""

import hashlib
import hmac
from typing import Final

HEADER: Final = "X-Octopus-Signature"


def signature(key: str, body: bytes, seconds: int) -> str:
    """Return `t=<seconds since 1970>,v1=<HMAC-SHA256 of "<seconds>.<body>">`.

    The time is signed too, so that a receiver can refuse what was sent long ago.
    """
    signed = f"{seconds}.".encode() + body
    return f"t={seconds},v1={hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()}"
