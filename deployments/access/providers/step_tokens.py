"""Tokens with which steps sign in at services that trust this server (OpenID Connect)."""

import uuid
from datetime import timedelta

import jwt

from deployments.access.providers.access_tokens import issuer
from deployments.access.providers.signing_keys import ALGORITHM, current_key
from deployments.base.clock import Clock, utc_now


def issue_step_token(
    *, subject: str, audience: str, life: timedelta, clock: Clock = utc_now
) -> str:
    """Return a token about the subject for the audience, good for as long as `life`.

    Its type differs from that of access tokens, so that it opens nothing here.
    """
    now, key = clock(), current_key(clock=clock)
    claims = {
        "iss": issuer(),
        "aud": audience,
        "sub": subject,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + life).timestamp()),
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.key_id, "typ": "JWT"})
