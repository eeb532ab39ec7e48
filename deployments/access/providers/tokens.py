"""Verifying signed tokens of others. Pure: the keys are given."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import jwt

# Signatures only: neither "none" nor a secret that a public key could be taken for.
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
LEEWAY_S: Final = 60
LONGEST_TOKEN: Final = 16 * 1024
_LONGEST_SUBJECT: Final = 255
_NEEDED: Final = ("exp", "iat", "iss", "aud", "sub")
_REASONS: Final[tuple[tuple[type[jwt.PyJWTError], str], ...]] = (
    (jwt.ExpiredSignatureError, "It has expired."),
    (jwt.ImmatureSignatureError, "It is not valid yet."),
    (jwt.InvalidIssuedAtError, "It is not valid yet."),
    (jwt.InvalidIssuerError, "It is of another issuer."),
    (jwt.InvalidAudienceError, "It is meant for another audience."),
    (jwt.InvalidAlgorithmError, "Its algorithm is not accepted."),
    (jwt.InvalidSignatureError, "Its signature is wrong."),
)

Claims = Mapping[str, Any]
Keys = Iterable[Mapping[str, Any]]


class TokenRefused(ValueError):
    """The token is not good; the text says why and repeats nothing of it."""


class UnknownKey(TokenRefused):
    """No key of that id is among those given; the issuer may have new ones."""


def unverified_issuer(token: str) -> str:
    """Return whom the token claims to be from; nobody has checked it. Raises TokenRefused."""
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("It is too long.")
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenRefused("It is no signed token.") from error
    return text_of(claims, "iss")


def verified(token: str, keys: Keys, *, issuer: str, audience: str) -> Claims:
    """Return the claims of a token that the issuer signed for the audience.

    Its times are checked with a minute's leeway. Raises TokenRefused, UnknownKey when a key
    is missing.
    """
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("It is too long.")
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(
            token,
            _key(header, keys),
            algorithms=ALGORITHMS,
            issuer=issuer,
            audience=audience,
            leeway=LEEWAY_S,
            options={"require": list(_NEEDED)},
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(_reason(error)) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        if isinstance(error, TokenRefused):
            raise
        raise TokenRefused("It is no signed token.") from error
    subject = text_of(claims, "sub")
    if not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        raise TokenRefused("It has no subject.")
    return claims


def text_of(claims: Claims, name: str) -> str:
    """Return a claim that is a text, else nothing."""
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _key(header: Mapping[str, Any], keys: Keys) -> jwt.PyJWK:
    """Return the one key that the header names, bound to the header's algorithm."""
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("Its algorithm is not accepted.")
    fitting = []
    for data in keys:
        if data.get("use", "sig") != "sig" or data.get("alg", algorithm) != algorithm:
            continue
        if key_id is not None and data.get("kid") != key_id:
            continue
        try:
            fitting.append(jwt.PyJWK(dict(data), algorithm))
        except jwt.PyJWTError:
            continue  # a key of another kind, or one that nobody can read
    if len(fitting) != 1:
        raise UnknownKey("It was signed with a key that its issuer does not publish.")
    return fitting[0]


def _reason(error: jwt.PyJWTError) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"It has no claim {error.claim}."
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "It is malformed.")
