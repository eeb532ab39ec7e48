"""Codes that stand in for a lost second factor, each once."""

import base64
import hashlib
import secrets
from typing import Final

from deployments.access.signing_in.throttle import one_spelling

COUNT: Final = 10
_BYTES: Final = 10  # too many to be found from the hash


def new_codes() -> list[str]:
    """Return new codes, as people see them."""
    return [_grouped(base64.b32encode(secrets.token_bytes(_BYTES)).decode()) for _ in range(COUNT)]


def digest(code: str) -> str:
    """Return what is stored of a code, however it is typed."""
    return hashlib.sha256(plain(code).upper().encode()).hexdigest()


def plain(code: str) -> str:
    """Return a typed code without what people put between its characters."""
    return one_spelling(code).replace(" ", "").replace("-", "")


def _grouped(text: str) -> str:
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4)).lower()
