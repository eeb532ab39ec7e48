"""Exchanging the token of a build server for access as a service account (RFC 8693)."""

import uuid
from dataclasses import dataclass, replace
from typing import Final

from deployments.access.actors import actor_of
from deployments.access.models import OidcIdentity, User
from deployments.access.providers.access_tokens import LIFETIME, issue_token
from deployments.access.providers.discovery import IssuerSilent, verified_by_issuer
from deployments.access.providers.subjects import subject_fits
from deployments.access.providers.tokens import TokenRefused, text_of, unverified_issuer
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.secrets import Secret

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:jwt"  # noqa: S105 the name of a kind
_NOBODY: Final = "There is no service account with an OIDC identity for this audience and issuer."


@dataclass(frozen=True, slots=True, repr=False)
class ExchangeInput:
    """What the build server sends."""

    grant_type: str
    audience: str
    subject_token_type: str
    subject_token: str


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The access token and how many seconds it lasts."""

    token: Secret
    expires_in: int


def exchange_token(*, visitor: Actor, sent: ExchangeInput, clock: Clock = utc_now) -> Exchanged:
    """Return access as the service account that `audience` names.

    The token must be signed by the issuer of one of its identities, for that identity's audience
    and with a subject that fits. `visitor` is nobody yet, but where the request came from.
    Raises Invalid with the reason; only issuers that somebody entered are ever asked for keys.
    """
    if sent.grant_type != GRANT:
        raise Invalid(f"grant_type must be {GRANT}.")
    if sent.subject_token_type != TOKEN_TYPE:
        raise Invalid(f"subject_token_type must be {TOKEN_TYPE}.")
    try:
        issuer = unverified_issuer(sent.subject_token)
    except TokenRefused as error:
        raise Invalid(f"The subject token is not accepted. {error}") from error
    user = _account(sent.audience)
    rows = list(user.oidc_identities.filter(issuer=issuer)) if user and issuer else []
    if user is None or not rows:
        raise Invalid(_NOBODY)
    actor = replace(
        actor_of(user, "Token"), ip_address=visitor.ip_address, user_agent=visitor.user_agent
    )
    try:
        row = _fitting(user, rows, sent.subject_token)
    except (TokenRefused, IssuerSilent) as error:
        text = f"A token of {issuer} was refused for {user.username}: {error}"
        _record(actor, user, "LoginFailed", text)
        raise Invalid(f"The subject token is not accepted. {error}") from error
    row.last_used = clock()
    row.save(update_fields=["last_used"])
    text = f"{user.username} signed in with a token of {issuer} by the OIDC identity {row.name}"
    _record(actor, user, "LoginSucceeded", text, row)
    row.user = user
    return Exchanged(Secret(issue_token(row, clock=clock)), int(LIFETIME.total_seconds()))


def _account(audience: str) -> User | None:
    try:
        number = uuid.UUID(audience.strip())
    except ValueError:
        return None
    return User.objects.filter(external_id=number, is_active=True, is_service=True).first()


def _fitting(user: User, rows: list[OidcIdentity], token: str) -> OidcIdentity:
    """Return the identity that the token is of; raises TokenRefused as its last try did."""
    refusal = TokenRefused("It is meant for another audience.")
    by_audience: dict[str, list[OidcIdentity]] = {}
    for row in rows:
        by_audience.setdefault(row.audience or str(user.external_id), []).append(row)
    for audience, group in by_audience.items():
        try:
            claims = verified_by_issuer(token, issuer=group[0].issuer, audience=audience)
        except TokenRefused as error:
            refusal = error
            continue
        subject = text_of(claims, "sub")
        for row in group:
            if subject_fits(row.subject, subject):
                return row
        refusal = TokenRefused(f"No OIDC identity of the account has the subject '{subject}'.")
    raise refusal


def _record(
    actor: Actor, user: User, category: str, message: str, row: OidcIdentity | None = None
) -> None:
    events.record(
        actor=actor,
        space=None,
        category=category,
        message=message,
        subject=user.public_id,
        related=[row.public_id] if row else [],
    )
