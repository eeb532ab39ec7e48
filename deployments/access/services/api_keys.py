"""API keys: made once, shown once, stored hashed."""

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from deployments.access.credentials import digest
from deployments.access.models import ApiKey, User
from deployments.access.permissions import Permission
from deployments.access.services.guards import require_over_user
from deployments.access.services.sign_in_rules import sign_in_rules
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.secrets import Secret

FORM = re.compile(r"API-[A-Z0-9]+\Z")
_RANDOM_BYTES = 20
_HINT_CHARACTERS = 8


@dataclass(frozen=True)
class CreatedKey:
    """A new key's row and its text, which nobody can read again."""

    row: ApiKey
    key: Secret


def create_api_key(
    *,
    actor: Actor,
    user: User,
    purpose: str,
    expires: datetime | None = None,
    clock: Clock = utc_now,
) -> CreatedKey:
    """Create a key for oneself or, with UserEdit, for a service account. Raises Invalid."""
    _require_may(actor, user)
    rules, now = sign_in_rules(), clock()
    if not (user.is_service or rules.people_have_keys):
        raise Invalid("This server gives API keys to service accounts only.")
    expires = expires or now + timedelta(days=rules.key_days)
    if actor.credential_expires is not None:
        expires = min(expires, actor.credential_expires)  # a key must not outlive its maker
    if not now < expires <= now + timedelta(days=rules.key_most_days):
        text = f"Expires must be in the future and within {rules.key_most_days} days."
        raise Invalid(fields={"Expires": [text]})
    text = base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode()
    return store_api_key(
        actor=actor, user=user, purpose=purpose, key=f"API-{text}", expires=expires, clock=clock
    )


def store_api_key(
    *,
    actor: Actor,
    user: User,
    purpose: str,
    key: str,
    expires: datetime | None,
    clock: Clock = utc_now,
) -> CreatedKey:
    """Store a given key; for create_api_key and the server's own start."""
    purpose = purpose.strip()
    if not 0 < len(purpose) <= 200:  # noqa: PLR2004 a limit named by this rule alone
        text = "Purpose is required and has at most 200 characters."
        raise Invalid(fields={"Purpose": [text]})
    if not FORM.match(key):
        raise Invalid("An API key is API- followed by capital letters and digits.")
    with transaction.atomic():
        row = ApiKey.objects.create(
            user=user,
            purpose=purpose,
            hint=key[:_HINT_CHARACTERS],
            sha256=digest(key),
            created=clock(),
            expires=expires,
        )
        _record(actor, row, "Created", f"API key {row.hint}… of {user.username} was created")
    return CreatedKey(row, Secret(key))


def revoke_api_key(*, actor: Actor, api_key: ApiKey) -> None:
    """Delete a key; it stops working at once. One's own, or with UserEdit anybody's."""
    if actor.user_id != api_key.user_id:
        require_over_user(actor, api_key.user)
    with transaction.atomic():
        text = f"API key {api_key.hint}… of {api_key.user.username} was revoked"
        _record(actor, api_key, "Deleted", text)
        api_key.delete()


def _require_may(actor: Actor, user: User) -> None:
    if actor.user_id == user.pk or actor.is_system:
        return
    if not user.is_service:
        raise NotPermitted(Permission.UserEdit, "people make their own API keys")
    require_over_user(actor, user)


def _record(actor: Actor, row: ApiKey, category: str, message: str) -> None:
    events.record(
        actor=actor,
        space=None,
        category=category,
        message=message,
        subject=row.public_id,
        related=[row.user.public_id],
    )
