"""The keys with which this server signs its own access tokens; their public halves are published.

The row of settings is sealed. A key signs for ninety days and is published for as many more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from deployments.base.clock import Clock, utc_now
from deployments.base.models import ServerSetting
from deployments.base.settings_rows import opened_settings, swap_secret_setting

ALGORITHM: Final = "ES256"
_SETTING: Final = "access.token_keys"
_SIGNS_FOR: Final = timedelta(days=90)
_MOST_KEYS: Final = 2


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A key pair; `key_id` is what tokens name it by."""

    key_id: str
    made: datetime
    private: ec.EllipticCurvePrivateKey

    @property
    def published(self) -> dict[str, Any]:
        """The public half as a JSON Web Key."""
        return {
            **ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True),
            "kid": self.key_id,
            "use": "sig",
            "alg": ALGORITHM,
        }


def signing_keys() -> Sequence[SigningKey]:
    """Return the keys that are published, the newest first; none before the first token."""
    return _parsed(str(opened_settings(_SETTING).get(_SETTING) or ""))


def current_key(*, clock: Clock = utc_now) -> SigningKey:
    """Return the key to sign with, made when there is none or the newest is old."""
    now = clock()
    # Read before the keys, so that swapping fails when somebody adds one in between.
    row, _ = ServerSetting.objects.get_or_create(key=_SETTING, defaults={"value": {}})
    known = signing_keys()
    if known and now - known[0].made < _SIGNS_FOR:
        return known[0]
    made = _new_key(now)
    rows = [_stored(key) for key in (made, *known)][:_MOST_KEYS]
    if swap_secret_setting(_SETTING, json.dumps(rows), instead_of=row.value):
        return made
    return signing_keys()[0]  # another process was quicker


def _new_key(now: datetime) -> SigningKey:
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return SigningKey(str(numbers["x"])[:16], now, private)


def _stored(key: SigningKey) -> dict[str, str]:
    pem = key.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {"id": key.key_id, "made": key.made.isoformat(), "pem": pem.decode()}


@lru_cache(maxsize=2)
def _parsed(text: str) -> Sequence[SigningKey]:
    found = []
    for row in json.loads(text or "[]"):
        private = serialization.load_pem_private_key(row["pem"].encode(), None)
        if isinstance(private, ec.EllipticCurvePrivateKey):
            found.append(SigningKey(row["id"], datetime.fromisoformat(row["made"]), private))
    return tuple(found)
