"""A passkey in software: answers a server's questions as a browser with an authenticator does."""

import hashlib
import json
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

PRESENT, VERIFIED, WITH_CREDENTIAL = 0x01, 0x04, 0x40


class SoftwarePasskey:
    """One credential; what a test changes about it is wrong in the next answer."""

    def __init__(self, origin: str, host: str) -> None:
        self.origin, self.host = origin, host
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = hashlib.sha256(str(id(self)).encode()).digest()
        self.count = 1
        self.flags = PRESENT | VERIFIED
        self.user_handle = b""

    def create(self, options: dict[str, Any]) -> str:
        """Return the answer to `navigator.credentials.create`."""
        self.user_handle = websafe_decode(options["user"]["id"])
        known: dict[int, Any] = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        public = cbor.encode(dict(known))
        made = b"\0" * 16 + struct.pack(">H", len(self.credential_id)) + self.credential_id + public
        attestation = cbor.encode(
            {"fmt": "none", "attStmt": {}, "authData": self._data(WITH_CREDENTIAL) + made}
        )
        client = self._client("webauthn.create", options)
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def get(self, options: dict[str, Any]) -> str:
        """Return the answer to `navigator.credentials.get`."""
        self.count += 1
        data, client = self._data(0), self._client("webauthn.get", options)
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signed,
            userHandle=self.user_handle,
        )

    def _data(self, flags: int) -> bytes:
        host = hashlib.sha256(self.host.encode()).digest()
        return host + struct.pack(">BI", self.flags | flags, self.count)

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        values = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(values).encode()

    def _answer(self, **response: bytes) -> str:
        credential = websafe_encode(self.credential_id)
        return json.dumps(
            {
                "id": credential,
                "rawId": credential,
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {name: websafe_encode(value) for name, value in response.items()},
            }
        )
