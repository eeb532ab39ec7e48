"""Signing in at a provider: the authorization code flow with PKCE, state and nonce.

What must be remembered between the two steps is sealed in a cookie of the browser.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from deployments.access.models import IdentityProvider
from deployments.access.providers.access_tokens import issuer as own_address
from deployments.access.providers.discovery import (
    IssuerSilent,
    Metadata,
    ask,
    decoded,
    fetch_json,
    metadata_of,
    verified_by_issuer,
)
from deployments.access.providers.tokens import Claims, TokenRefused, text_of
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.secrets import SecretUnreadable, open_text, seal_text, secret_box

LASTS: Final = timedelta(minutes=10)
_PLACE: Final = "sign-in at a provider"
_ERROR: Final = re.compile(r"[a-z_]{1,40}\Z")
_AGAIN: Final = "Begin signing in again."
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Journey:
    """What is remembered of a sign-in; `linking` is the user who adds an account to theirs."""

    provider: int
    state: str
    nonce: str
    verifier: str
    wanted: str
    linking: int | None
    ends: float

    def sealed(self) -> str:
        """Return it as the cookie's text, which nobody else can read or make."""
        return seal_text(json.dumps(asdict(self)), place=_PLACE)


def redirect_uri(provider: IdentityProvider) -> str:
    """Return the one address to which the provider may send people back."""
    return f"{own_address()}/app/sign-in/with/{provider.slug}/done"


def begin(
    provider: IdentityProvider, *, wanted: str, linking: int | None = None, clock: Clock = utc_now
) -> tuple[str, Journey]:
    """Return where to send the browser, and what to remember. Raises Invalid."""
    try:
        address = metadata_of(provider.issuer).authorization_endpoint
    except IssuerSilent as error:
        raise Invalid(f"{provider.name} cannot be reached. {error}") from error
    if not address.startswith(("https://", "http://")):
        raise Invalid(f"{provider.name} names no page for signing in.")
    journey = Journey(
        provider=provider.pk,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        wanted=wanted,
        linking=linking,
        ends=(clock() + LASTS).timestamp(),
    )
    challenge = hashlib.sha256(journey.verifier.encode()).digest()
    query = urlencode(
        {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": redirect_uri(provider),
            "scope": provider.scopes,
            "state": journey.state,
            "nonce": journey.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
    )
    return f"{address}{'&' if '?' in address else '?'}{query}", journey


def remembered(
    provider: IdentityProvider, cookie: str, state: str, *, clock: Clock = utc_now
) -> Journey:
    """Return the journey that this answer of the provider belongs to. Raises Invalid."""
    try:
        journey = Journey(**json.loads(open_text(cookie, place=_PLACE).reveal()))
    except (SecretUnreadable, ValueError, TypeError) as error:
        text = f"This browser has not begun to sign in, or has done so elsewhere too. {_AGAIN}"
        raise Invalid(text) from error
    if journey.ends < clock().timestamp():
        raise Invalid(f"Signing in took longer than ten minutes. {_AGAIN}")
    is_same = hmac.compare_digest(journey.state.encode(), state.encode())
    if journey.provider != provider.pk or not is_same:
        raise Invalid(f"The answer belongs to another attempt to sign in. {_AGAIN}")
    return journey


def finish(provider: IdentityProvider, journey: Journey, answer: Mapping[str, str]) -> Claims:
    """Return what the provider says of the person, once its answer is checked. Raises Invalid."""
    try:
        published = metadata_of(provider.issuer)
        code = _code(provider, published, answer)
        tokens = _tokens(provider, published, journey, code)
        claims = _identity(provider, journey, text_of(tokens, "id_token"))
        return {**_userinfo(published, claims, text_of(tokens, "access_token")), **claims}
    except (IssuerSilent, TokenRefused) as error:
        raise Invalid(f"Signing in with {provider.name} failed. {error}") from error


def sign_out_address(provider: IdentityProvider) -> str:
    """Return where to end the session at the provider as well, or nothing."""
    try:
        address = metadata_of(provider.issuer).end_session_endpoint
    except IssuerSilent:
        return ""
    if not address.startswith(("https://", "http://")):
        return ""
    back = {
        "client_id": provider.client_id,
        "post_logout_redirect_uri": f"{own_address()}/app/sign-in",
    }
    return f"{address}{'&' if '?' in address else '?'}{urlencode(back)}"


def _code(provider: IdentityProvider, published: Metadata, answer: Mapping[str, str]) -> str:
    issuer = answer.get("iss", "")
    if (issuer or published.names_itself) and issuer != published.issuer:
        raise TokenRefused("The answer is of another issuer.")
    if error := answer.get("error", ""):
        named = f" ({error})" if _ERROR.match(error) else ""
        raise Invalid(f"{provider.name} did not sign you in{named}. {_AGAIN}")
    if not answer.get("code"):
        raise TokenRefused("The answer has no code.")
    return answer["code"]


def _tokens(
    provider: IdentityProvider, published: Metadata, journey: Journey, code: str
) -> dict[str, Any]:
    """Redeem the code, which works once."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(provider),
        "code_verifier": journey.verifier,
    }
    headers: dict[str, str] = {}
    secret = ""
    if provider.sealed_secret:
        sealed = bytes(provider.sealed_secret)
        secret = secret_box().open(sealed, place=provider.secret_place).reveal()
    if secret and not published.takes_secret_in_body:
        pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": provider.client_id} | ({"client_secret": secret} if secret else {})
    url = published.token_endpoint
    reply = ask(url, form=form, headers=headers)
    tokens = decoded(url, reply)
    if reply.status != _OK:
        error = text_of(tokens, "error")
        named = f" ({error})" if _ERROR.match(error) else ""
        raise IssuerSilent(f"The provider refused the code or the client{named}.")
    return tokens


def _identity(provider: IdentityProvider, journey: Journey, token: str) -> Claims:
    client = provider.client_id
    claims = verified_by_issuer(token, issuer=provider.issuer, audience=client)
    nonce = text_of(claims, "nonce")
    if not hmac.compare_digest(nonce.encode(), journey.nonce.encode()):
        raise TokenRefused("The token belongs to another attempt to sign in.")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client:
        raise TokenRefused("The token was issued to another client.")
    return claims


def _userinfo(published: Metadata, claims: Claims, access_token: str) -> dict[str, Any]:
    """Return what the provider tells beside the token: many leave groups and mail for here."""
    if not published.userinfo_endpoint or not access_token:
        return {}
    authorization = {"Authorization": f"Bearer {access_token}"}
    found = fetch_json(published.userinfo_endpoint, authorization)
    if found.get("sub") != claims["sub"]:
        raise TokenRefused("The provider told about somebody else.")
    return found
