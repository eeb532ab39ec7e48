"""Passkeys on the wire: what browsers are asked for, and checking what they answer."""

import ipaddress
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from deployments.access.models import User
from deployments.base.errors import Invalid

_MOST_CHARACTERS = 20_000
_NOT_GOOD = "The passkey was not accepted. Try again."
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What a browser has made: the credential with its public key, and its counter."""

    credential_id: str
    credential: bytes
    sign_count: int


def are_possible() -> bool:
    """Whether browsers offer passkeys at the server's address: a name, and HTTPS or localhost."""
    address = urlsplit(settings.OCTOPUS.server_url)
    host = address.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return address.scheme == "https" or host == "localhost"
    return False


def registration(user: User, known: list[bytes]) -> tuple[Json, Json]:
    """Return what a browser is asked to make, and the state to check its answer with."""
    entity = PublicKeyCredentialUserEntity(
        id=user.public_id.encode(), name=user.username, display_name=user.display_name
    )
    options, state = _server().register_begin(
        entity,
        credentials=[AttestedCredentialData(each) for each in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options.public_key), state


def registered(text: str, state: Json) -> NewCredential:
    """Check a browser's answer to `registration`. Raises Invalid."""
    answer = _read(text)
    try:
        data = _server().register_complete(state, answer)
        made = data.credential_data
        if made is None:
            raise Invalid(_NOT_GOOD)
        return NewCredential(websafe_encode(made.credential_id), bytes(made), data.counter)
    except Exception as error:  # what browsers send may be wrong in any way
        raise Invalid(_NOT_GOOD) from error


def assertion() -> tuple[Json, Json]:
    """Return what a browser is asked to sign with any passkey of this server, and the state."""
    options, state = _server().authenticate_begin(
        user_verification=UserVerificationRequirement.REQUIRED
    )
    return dict(options.public_key), state


def credential_id_of(text: str) -> str:
    """Return which passkey an answer says it is of. Raises Invalid."""
    found = _read(text).get("id")
    if not isinstance(found, str):
        raise Invalid(_NOT_GOOD)
    return found


def asserted(text: str, state: Json, *, credential: bytes, user: User) -> int:
    """Check a browser's answer to `assertion`; returns the counter. Raises Invalid."""
    answer = _read(text)
    try:
        _server().authenticate_complete(state, [AttestedCredentialData(credential)], answer)
        response = AuthenticationResponse.from_dict(answer).response
        handle, data = response.user_handle, response.authenticator_data
    except Exception as error:  # as above
        raise Invalid(_NOT_GOOD) from error
    if handle and handle != user.public_id.encode():
        raise Invalid(_NOT_GOOD)
    return int(AuthenticatorData(bytes(data)).counter)


def _server() -> Fido2Server:
    address = urlsplit(settings.OCTOPUS.server_url)
    origin = f"{address.scheme}://{address.netloc}"
    entity = PublicKeyCredentialRpEntity(id=address.hostname or "", name="Octopus")
    return Fido2Server(entity, verify_origin=lambda found: found == origin)


def _read(text: str) -> Json:
    try:
        answer = json.loads(text) if len(text) <= _MOST_CHARACTERS else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Invalid(_NOT_GOOD)
    return answer
