"""Access tokens of this server: short-lived, for service accounts, ended with what they rest on."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import jwt
from django.conf import settings

from deployments.access.models import OidcIdentity, User
from deployments.access.providers.signing_keys import ALGORITHM, current_key, signing_keys
from deployments.access.providers.tokens import TokenRefused, verified
from deployments.base.clock import Clock, utc_now

LIFETIME: Final = timedelta(hours=1)
# Says what the token is for, so that nothing else that is signed here can stand in for it.
_TYPE: Final = "at+jwt"
_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Whom a token stands for, and until when."""

    user: User
    expires: datetime


def looks_like_token(text: str) -> bool:
    """Tell a signed token from an API key."""
    return text.startswith("eyJ") and text.count(".") == _PARTS - 1


def issue_token(identity: OidcIdentity, *, clock: Clock = utc_now) -> str:
    """Return a token that lets its bearer act as the identity's service account for an hour."""
    now, key = clock(), current_key(clock=clock)
    claims = {
        "iss": issuer(),
        "aud": issuer(),
        "sub": str(identity.user.external_id),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "jti": uuid.uuid4().hex,
        "identity": identity.pk,
        "basis": _basis(identity),
    }
    headers = {"kid": key.key_id, "typ": _TYPE}
    return jwt.encode(claims, key.private, ALGORITHM, headers=headers)


def token_holder(token: str) -> TokenHolder | None:
    """Return whom a good token stands for.

    It ends at once when the account is deactivated, or the identity that it came by is
    taken away or names other tokens.
    """
    keys = [key.published for key in signing_keys()]
    try:
        if jwt.get_unverified_header(token).get("typ") != _TYPE:
            return None
        claims = verified(token, keys, issuer=issuer(), audience=issuer())
    except (TokenRefused, jwt.PyJWTError):
        return None
    number = claims.get("identity")
    if not isinstance(number, int):
        return None
    rows = OidcIdentity.objects.select_related("user")
    row = rows.filter(pk=number, user__is_active=True, user__is_service=True).first()
    if row is None or str(row.user.external_id) != claims["sub"]:
        return None
    if claims.get("basis") != _basis(row):
        return None
    return TokenHolder(row.user, datetime.fromtimestamp(claims["exp"], UTC))


def _basis(identity: OidcIdentity) -> str:
    """Return a digest of what the identity says of the tokens that it takes."""
    said = json.dumps([identity.issuer, identity.subject, identity.audience])
    return hashlib.sha256(said.encode()).hexdigest()


def issuer() -> str:
    """Return the address by which this server calls itself."""
    return str(settings.OCTOPUS.server_url)
