"""Private keys of SSH accounts: telling at once whether a text is one that can be opened."""

import base64
import binascii
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
)

from deployments.base.errors import Invalid
from deployments.library.certificates.unlocking import Locked, open_private_key

_FIELD: Final = "PrivateKeyFile"
_PASSPHRASE: Final = "PrivateKeyPassphrase"  # noqa: S105 the name of a field
_BEGIN: Final = "-----BEGIN "


def require_private_key(text: str, passphrase: str) -> None:
    """Raise Invalid unless the text is a private key, and protected if there is a passphrase.

    Whether the passphrase opens it is not tried for OpenSSH's own form, which SSH opens itself.
    """
    key = key_text(text).encode()
    if b"PRIVATE KEY-----" not in key:
        raise _refused(
            "This is no private key: a text from BEGIN to END is expected, no .pub file."
        )
    try:
        if passphrase and b"BEGIN OPENSSH" not in key:
            open_private_key(key, passphrase)
        elif _is_protected(key) != bool(passphrase):
            wish = "has none" if passphrase else "needs its passphrase"
            raise _refused(f"The private key {wish}.", _PASSPHRASE)
    except Locked as error:
        raise _refused("The passphrase does not open the private key.", _PASSPHRASE) from error
    except UnsupportedAlgorithm as error:
        raise _refused("This kind of private key is not supported.") from error
    except ValueError as error:
        raise _refused("The private key cannot be read. Is it whole?") from error


def _is_protected(key: bytes) -> bool:
    load = load_ssh_private_key if b"BEGIN OPENSSH" in key else load_pem_private_key
    try:
        load(key, None)
    except TypeError:
        return True
    return False


def _refused(text: str, field: str = _FIELD) -> Invalid:
    return Invalid(fields={field: [text]})


def key_text(text: str) -> str:
    """Return the key as the text of its file; clients also send it in base64."""
    stripped = text.replace("\r\n", "\n").strip()
    if _BEGIN not in stripped:
        try:
            stripped = base64.b64decode(stripped).decode().strip()
        except (binascii.Error, ValueError):
            return stripped
    return f"{stripped}\n"
