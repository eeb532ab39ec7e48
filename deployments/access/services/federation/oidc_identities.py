"""OIDC identities of service accounts: whose tokens are as good as an API key."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from deployments.access.models import OidcIdentity, User
from deployments.access.providers.discovery import issuer_problem
from deployments.access.providers.subjects import has_literal
from deployments.access.services.guards import require_over_user
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid

_LONGEST_NAME = 200
_LONGEST_TEXT = 500
_MOST_IDENTITIES = 100


@dataclass(frozen=True, slots=True)
class IdentityInput:
    """What people write of an identity."""

    name: str
    issuer: str
    subject: str
    audience: str = ""


def create_oidc_identity(
    *, actor: Actor, user: User, identity: IdentityInput, clock: Clock = utc_now
) -> OidcIdentity:
    """Let tokens of an issuer and subject act as the service account. Raises Invalid."""
    require_over_user(actor, user)
    if not user.is_service:
        raise Invalid("Only service accounts have OIDC identities.")
    if user.oidc_identities.count() >= _MOST_IDENTITIES:
        raise Invalid(f"A service account has at most {_MOST_IDENTITIES} OIDC identities.")
    wanted = _checked(user, identity)
    with transaction.atomic():
        row = OidcIdentity.objects.create(user=user, created=clock(), **snapshot_fields(wanted))
        _record(actor, row, "Created", "created", {}, snapshot(row))
    return row


def update_oidc_identity(
    *, actor: Actor, row: OidcIdentity, identity: IdentityInput
) -> OidcIdentity:
    """Change an identity. Raises Invalid."""
    require_over_user(actor, row.user)
    wanted = _checked(row.user, identity, besides=row)
    with transaction.atomic():
        before = snapshot(row)
        for name, value in snapshot_fields(wanted).items():
            setattr(row, name, value)
        row.save()
        _record(actor, row, "Modified", "changed", before, snapshot(row))
    return row


def delete_oidc_identity(*, actor: Actor, row: OidcIdentity) -> None:
    """Delete an identity; the tokens that came by it end at once."""
    require_over_user(actor, row.user)
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", snapshot(row), {})
        row.delete()


def snapshot(row: OidcIdentity) -> dict[str, Any]:
    """Return what events compare of an identity."""
    return {
        "Name": row.name,
        "Issuer": row.issuer,
        "Subject": row.subject,
        "Audience": row.audience,
    }


def snapshot_fields(identity: IdentityInput) -> dict[str, str]:
    """Return the columns that an identity is stored in."""
    return {
        "name": identity.name,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "audience": identity.audience,
    }


def _checked(user: User, sent: IdentityInput, besides: OidcIdentity | None = None) -> IdentityInput:
    wanted = IdentityInput(
        sent.name.strip(), sent.issuer.strip(), sent.subject.strip(), sent.audience.strip()
    )
    problems: dict[str, list[str]] = {}
    if not 0 < len(wanted.name) <= _LONGEST_NAME or not wanted.name.isprintable():
        problems["Name"] = [f"Name is required and has at most {_LONGEST_NAME} characters."]
    if problem := issuer_problem(wanted.issuer):
        problems["Issuer"] = [problem]
    if not 0 < len(wanted.subject) <= _LONGEST_TEXT or not wanted.subject.isprintable():
        problems["Subject"] = [f"Subject is required and has at most {_LONGEST_TEXT} characters."]
    elif not has_literal(wanted.subject):
        problems["Subject"] = ["Wildcards alone would let in everybody whom the issuer knows."]
    if len(wanted.audience) > _LONGEST_TEXT or not wanted.audience.isprintable():
        problems["Audience"] = [f"At most {_LONGEST_TEXT} characters."]
    rows = user.oidc_identities.filter(
        issuer=wanted.issuer, subject=wanted.subject, audience=wanted.audience
    )
    if not problems and any(row != besides for row in rows):
        problems["Subject"] = ["The service account has this identity already."]
    if problems:
        raise Invalid(fields=problems)
    return wanted


def _record(
    actor: Actor, row: OidcIdentity, category: str, verb: str, before: Any, after: Any
) -> None:
    events.record(
        actor=actor,
        space=None,
        category=category,
        message=f"OIDC identity {row.name} of {row.user.username} was {verb}",
        subject=row.public_id,
        related=[row.user.public_id],
        before=before,
        after=after,
    )
