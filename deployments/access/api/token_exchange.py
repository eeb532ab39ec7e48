"""What build servers and clients ask for before they have a credential.

The documents and the exchange have the names that OAuth gives them, not those of this API.
"""

from typing import Any, ClassVar
from urllib.parse import parse_qsl

from django.urls import URLPattern, path
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import ApiViewSet
from deployments.access.providers.access_tokens import issuer
from deployments.access.providers.signing_keys import ALGORITHM, signing_keys
from deployments.access.rules import ANONYMOUS
from deployments.access.services.federation.token_exchange import (
    GRANT,
    TOKEN_TYPE,
    ExchangeInput,
    exchange_token,
)
from deployments.base.actor import Actor
from deployments.base.api.parsers import fields_of
from deployments.base.errors import Invalid

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20


class TokenViewSet(ApiViewSet):
    """The discovery document, the public keys and the exchange of tokens."""

    permission_map: ClassVar = {
        "discovery": ANONYMOUS,
        "keys": ANONYMOUS,
        "exchange": ANONYMOUS,
    }

    def discovery(self, request: Request, **ids: Any) -> Response:
        """Tell clients where to exchange a token."""
        own = issuer()
        return Response(
            {
                "issuer": own,
                "token_endpoint": f"{own}/token/v1",
                "jwks_uri": f"{own}/.well-known/jwks",
                "grant_types_supported": [GRANT],
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "claims_supported": ["iss", "aud", "sub", "iat", "nbf", "exp", "jti"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "token_endpoint_auth_methods_supported": ["none"],
            }
        )

    def keys(self, request: Request, **ids: Any) -> Response:
        """Publish the keys of this server's tokens."""
        return Response({"keys": [key.published for key in signing_keys()]})

    def exchange(self, request: Request, **ids: Any) -> Response:
        """Answer a token of a build server with one of ours."""
        try:
            done = exchange_token(visitor=self._visitor(request), sent=_sent(request))
        except Invalid as error:
            return Response(
                {
                    "error": "invalid_request",
                    "error_description": error.message,
                    "ErrorMessage": error.message,
                    "Errors": list(error.errors),
                },
                status=400,
            )
        return Response(
            {
                "access_token": done.token.reveal(),
                "issued_token_type": TOKEN_TYPE,
                "token_type": "Bearer",
                "expires_in": done.expires_in,
            },
            headers={"Cache-Control": "no-store"},
        )

    def _visitor(self, request: Request) -> Actor:
        return Actor(
            None,
            "anonymous",
            "Anonymous",
            "Token",
            ip_address=request.META.get("REMOTE_ADDR", ""),
            user_agent=request.headers.get("User-Agent", ""),
        )


def _sent(request: Request) -> ExchangeInput:
    """Read JSON, or the form that OAuth's own clients send. Raises Invalid."""
    values = fields_of(_form(request) or request.data)
    texts = {
        name: value if isinstance(value := values.get(name, ""), str) else ""
        for name in ("grant_type", "audience", "subject_token_type", "subject_token")
    }
    if missing := [name for name, text in texts.items() if not text]:
        raise Invalid(f"{missing[0]} is missing.")
    return ExchangeInput(**texts)


def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form; nothing when the body is JSON, whatever its type says."""
    if request.content_type.partition(";")[0] != _FORM:
        return {}
    body = request._request.body  # noqa: SLF001 read before the parser, which keeps it
    if body.lstrip()[:1] == b"{":
        return {}
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise Invalid("The form cannot be read.") from error


_exchange = TokenViewSet.as_view({"post": "exchange"})
_discovery = TokenViewSet.as_view({"get": "discovery"})
_keys = TokenViewSet.as_view({"get": "keys"})

# The second slash comes from clients whose server address ends with one.
routes: list[URLPattern] = [
    path(f"{slash}{name}", view)
    for slash in ("", "/")
    for name, view in (
        (".well-known/openid-configuration", _discovery),
        (".well-known/jwks", _keys),
        ("token/v1", _exchange),
        ("api/token/v1", _exchange),
    )
]
