"""Secrets at rest: AES-256-GCM with a nonce per record and a place as associated data."""

import base64
import hmac
import os
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from deployments.base.errors import OctopusError

_NONCE_BYTES = 12
_FORM = 1


class SecretUnreadable(OctopusError):
    """The sealed bytes were made with another key, for another place, or were altered."""


class Secret:
    """A text that must not be shown: prints as asterisks; `reveal()` returns the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __str__(self) -> str:
        return "********"

    def __repr__(self) -> str:
        return "Secret(********)"


@dataclass(frozen=True, repr=False)
class SecretBox:
    """Seals and opens secrets with the master key; `place` is table, column and row.

    While the master key is being changed, `others` open what was sealed with them.
    """

    key: bytes
    others: tuple[bytes, ...] = ()

    def seal(self, text: str, *, place: str) -> bytes:
        """Return the form's number (1 byte), nonce (12) and ciphertext with tag."""
        return self._sealed(os.urandom(_NONCE_BYTES), text, place)

    def seal_anew(self, sealed: bytes, *, place: str) -> bytes:
        """Return what another key sealed under the master key; raises SecretUnreadable.

        The nonce comes from the sealed bytes, so that copies that were the same stay the same:
        whether two snapshots hold one value is seen from that.
        """
        nonce = hmac.digest(self.key, b"seal anew:" + place.encode() + b"\0" + sealed, "sha256")
        return self._sealed(nonce[:_NONCE_BYTES], self.open(sealed, place=place).reveal(), place)

    def _sealed(self, nonce: bytes, text: str, place: str) -> bytes:
        body = AESGCM(self.key).encrypt(nonce, text.encode(), place.encode())
        return bytes([_FORM]) + nonce + body

    def open(self, sealed: bytes, *, place: str) -> Secret:
        """Return the secret; raises SecretUnreadable."""
        for key in (self.key, *self.others):
            text = _opened(key, sealed, place)
            if text is not None:
                return Secret(text)
        raise SecretUnreadable(
            "A stored secret cannot be read with this master key. Start the server with the"
            " key that it was stored with."
        )

    def is_current(self, sealed: bytes, *, place: str) -> bool:
        """Tell whether the master key itself opens it, without the help of the others."""
        return _opened(self.key, sealed, place) is not None


def _opened(key: bytes, sealed: bytes, place: str) -> str | None:
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, place.encode()).decode()
    except (InvalidTag, ValueError):
        return None


@cache
def secret_box() -> SecretBox:
    """Return the box of this server's master key."""
    return SecretBox(settings.OCTOPUS.master_key, settings.OCTOPUS.other_master_keys)


def seal_text(text: str, *, place: str) -> str:
    """Seal into base64, for JSON documents."""
    return base64.b64encode(secret_box().seal(text, place=place)).decode()


def open_text(sealed: str, *, place: str) -> Secret:
    """Open what seal_text made."""
    return secret_box().open(base64.b64decode(sealed), place=place)
