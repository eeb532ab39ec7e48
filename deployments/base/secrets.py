"""Secrets at rest: AES-256-GCM with a key id, a nonce per record and a place as associated data."""

import base64
import os
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from deployments.base.errors import OctopusError

_NONCE_BYTES = 12


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


@dataclass(frozen=True)
class SecretBox:
    """Seals and opens secrets with the master key; `place` is table, column and row."""

    key: bytes
    key_id: int = 1

    def seal(self, text: str, *, place: str) -> bytes:
        """Return key id (1 byte), nonce (12) and ciphertext with tag."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self.key).encrypt(nonce, text.encode(), place.encode())
        return bytes([self.key_id]) + nonce + sealed

    def open(self, sealed: bytes, *, place: str) -> Secret:
        """Return the secret; raises SecretUnreadable."""
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return Secret(AESGCM(self.key).decrypt(nonce, body, place.encode()).decode())
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable(
                "A stored secret cannot be read with this master key. Start the server with the"
                " key that it was stored with."
            ) from error


@cache
def secret_box() -> SecretBox:
    """Return the box of this server's master key."""
    return SecretBox(settings.OCTOPUS.master_key)


def seal_text(text: str, *, place: str) -> str:
    """Seal into base64, for JSON documents."""
    return base64.b64encode(secret_box().seal(text, place=place)).decode()


def open_text(sealed: str, *, place: str) -> Secret:
    """Open what seal_text made."""
    return secret_box().open(base64.b64decode(sealed), place=place)
