"""What an issuer publishes: its addresses and its keys, fetched with care and kept for a while."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.core.cache import cache

from deployments.access.providers.tokens import Claims, UnknownKey, verified
from deployments.access.services.request_settings import allows_loopback
from deployments.base.errors import OctopusError
from deployments.base.outgoing import Answer, HttpRequest, Refused, send

_KEPT_S: Final = 3600
# New keys are asked for once in this time, however many tokens name keys that nobody knows.
_ASKED_AGAIN_S: Final = 60
_SILENT_S: Final = 10
_PATIENCE_S: Final = 10.0
_LONGEST_ISSUER: Final = 500
_OK: Final = 200
_FORM: Final = "application/x-www-form-urlencoded"
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class IssuerSilent(OctopusError):
    """The issuer does not answer, or with nonsense; the text says which."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The discovery document of an issuer, as far as it is used."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    takes_secret_in_body: bool = False
    names_itself: bool = False


def issuer_problem(issuer: str) -> str:
    """Return why a text is no address of an issuer, or nothing."""
    try:
        parts = urlsplit(issuer)
        is_address = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return "This is not an address."
    if len(issuer) > _LONGEST_ISSUER:
        return f"At most {_LONGEST_ISSUER} characters."
    if any(char.isspace() or not char.isprintable() for char in issuer):
        return "An address has no blanks."
    if parts.scheme == "http" and parts.hostname in _LOCAL and allows_loopback():
        return ""
    if parts.scheme != "https" or not is_address:
        return "It must begin with https://."
    if parts.query or parts.fragment or "@" in parts.netloc:
        return "It has neither a query nor a user name."
    return ""


def metadata_of(issuer: str) -> Metadata:
    """Return what the issuer publishes of itself, known for an hour. Raises IssuerSilent."""
    known = cache.get(f"oidc:metadata:{issuer}")
    if isinstance(known, Metadata):
        return known
    if isinstance(known, str):
        raise IssuerSilent(known)
    try:
        found = _read_metadata(issuer)
    except IssuerSilent as error:
        # Visitors who try again must not make the server wait for it again and again.
        cache.set(f"oidc:metadata:{issuer}", error.message, _SILENT_S)
        raise
    cache.set(f"oidc:metadata:{issuer}", found, _KEPT_S)
    return found


def forget(issuer: str) -> None:
    """Forget what is known of an issuer, so that it is asked anew."""
    cache.delete_many([f"oidc:metadata:{issuer}", f"oidc:keys:{issuer}", f"oidc:asked:{issuer}"])


def _read_metadata(issuer: str) -> Metadata:
    document = fetch_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    named = _text(document, "issuer")
    if named != issuer:
        raise IssuerSilent(f"The provider calls itself {named[:200]!r}, not {issuer!r}.")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        issuer=issuer,
        jwks_uri=_text(document, "jwks_uri"),
        authorization_endpoint=_text(document, "authorization_endpoint"),
        token_endpoint=_text(document, "token_endpoint"),
        userinfo_endpoint=_text(document, "userinfo_endpoint"),
        end_session_endpoint=_text(document, "end_session_endpoint"),
        takes_secret_in_body=isinstance(methods, list) and "client_secret_basic" not in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def verified_by_issuer(token: str, *, issuer: str, audience: str) -> Claims:
    """Return the claims of a token, verified with the keys that its issuer publishes now.

    Keys are asked for anew when the token names one that is not known, once a minute at most.
    Raises TokenRefused and IssuerSilent.
    """
    keys, are_fresh = _keys_of(issuer)
    try:
        return verified(token, keys, issuer=issuer, audience=audience)
    except UnknownKey:
        if are_fresh or not cache.add(f"oidc:asked:{issuer}", 1, _ASKED_AGAIN_S):
            raise
    return verified(token, _fetched_keys(issuer), issuer=issuer, audience=audience)


def fetch_json(url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the JSON object at an address of a provider. Raises IssuerSilent."""
    answer = ask(url, headers=headers)
    if answer.status != _OK:
        raise IssuerSilent(f"{_host(url)} answered {answer.status}.")
    return decoded(url, answer)


def ask(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Get from a provider, or post a form to it; redirects are not followed.

    Raises IssuerSilent.
    """
    if problem := issuer_problem(url.partition("?")[0]):
        raise IssuerSilent(f"The provider names an address that is not used: {problem}")
    sent = {"Accept": "application/json", **(headers or {})}
    body = b""
    if form is not None:
        sent["Content-Type"], body = _FORM, urlencode(form).encode()
    request = HttpRequest(
        "GET" if form is None else "POST",
        url,
        sent,
        body,
        follow=False,
        allow_loopback=allows_loopback(),
    )
    try:
        return send(request, _PATIENCE_S)
    except Refused as error:
        raise IssuerSilent(str(error)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise IssuerSilent(f"{_host(url)} does not answer: {error}.") from error


def decoded(url: str, answer: Answer) -> dict[str, Any]:
    """Return the JSON object in an answer. Raises IssuerSilent."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise IssuerSilent(f"{_host(url)} answered with something else than JSON.") from error
    if not isinstance(found, dict):
        raise IssuerSilent(f"{_host(url)} answered with something else than an object.")
    return found


def _keys_of(issuer: str) -> tuple[list[dict[str, Any]], bool]:
    known = cache.get(f"oidc:keys:{issuer}")
    return (known, False) if isinstance(known, list) else (_fetched_keys(issuer), True)


def _fetched_keys(issuer: str) -> list[dict[str, Any]]:
    found = fetch_json(metadata_of(issuer).jwks_uri).get("keys")
    if not isinstance(found, list):
        raise IssuerSilent("The provider publishes no keys.")
    keys = [key for key in found if isinstance(key, dict)]
    cache.set(f"oidc:keys:{issuer}", keys, _KEPT_S)
    return keys


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _host(url: str) -> str:
    return urlsplit(url).hostname or "The provider"
