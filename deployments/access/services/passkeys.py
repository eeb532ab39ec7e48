"""Passkeys: adding, removing, and signing in with one."""

from django.db import IntegrityError, transaction

from deployments.access.models import Passkey, RecoveryCode, User
from deployments.access.services.second_factors import (
    factors_of,
    require_identity,
    require_oneself,
    require_other_way_in,
)
from deployments.access.signing_in import webauthn
from deployments.access.signing_in.webauthn import Json
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid

MOST_PASSKEYS = 20
_MOST_NAME_CHARACTERS = 100
_UNKNOWN = "This passkey is not known here, or its account may not sign in."


def begin_passkey(
    *, actor: Actor, user: User, name: str, password: str, session: str
) -> tuple[Json, Json]:
    """Return what the browser shall make, and the state to check it with. Raises Invalid."""
    require_oneself(actor, user)
    if not webauthn.are_possible():
        raise Invalid("Passkeys need a server whose address is a name with HTTPS.")
    if not 0 < len(name.strip()) <= _MOST_NAME_CHARACTERS:
        raise Invalid(fields={"Name": ["A name is required, with at most 100 characters."]})
    require_identity(user, password, session)
    known = [bytes(row.credential) for row in Passkey.objects.filter(user=user)]
    if len(known) >= MOST_PASSKEYS:
        raise Invalid(f"An account has at most {MOST_PASSKEYS} passkeys. Remove one first.")
    return webauthn.registration(user, known)


def add_passkey(
    *, actor: Actor, user: User, name: str, answer: str, state: Json, clock: Clock = utc_now
) -> Passkey:
    """Store what the browser has made. Raises Invalid."""
    require_oneself(actor, user)
    made = webauthn.registered(answer, state)
    try:
        with transaction.atomic():
            row = Passkey.objects.create(
                user=user,
                name=name.strip()[:_MOST_NAME_CHARACTERS],
                credential_id=made.credential_id,
                credential=made.credential,
                sign_count=made.sign_count,
                created=clock(),
            )
            _record(actor, row, "Created", f"{user.username} added the passkey {row.name}")
    except IntegrityError as error:
        raise Invalid("This passkey is registered already.") from error
    return row


def remove_passkey(*, actor: Actor, passkey: Passkey, password: str, session: str) -> None:
    """Remove one of one's own passkeys. Raises Invalid."""
    user = passkey.user
    require_oneself(actor, user)
    require_identity(user, password, session)
    require_other_way_in(user, passkey)
    with transaction.atomic():
        _record(actor, passkey, "Deleted", f"{user.username} removed the passkey {passkey.name}")
        passkey.delete()
        if not factors_of(user).any:
            RecoveryCode.objects.filter(user=user).delete()


def user_of_passkey(*, answer: str, state: Json, clock: Clock = utc_now) -> User:
    """Return who signed with a passkey. Raises Invalid.

    A counter that did not go on tells of a copy; such a passkey is refused, and recorded.
    """
    wanted = webauthn.credential_id_of(answer)
    rows = Passkey.objects.filter(credential_id=wanted, user__is_active=True)
    row = rows.select_related("user").first()
    if row is None:
        raise Invalid(_UNKNOWN)
    count = webauthn.asserted(answer, state, credential=bytes(row.credential), user=row.user)
    if (count or row.sign_count) and count <= row.sign_count:
        actor = Actor.system("checking a passkey")
        text = f"Passkey {row.name} of {row.user.username} was refused: it seems to be a copy"
        _record(actor, row, "LoginFailed", text)
        raise Invalid(_UNKNOWN)
    unchanged = Passkey.objects.filter(pk=row.pk, sign_count=row.sign_count)
    if not unchanged.update(sign_count=count, last_used=clock()):
        raise Invalid(_UNKNOWN)
    return row.user


def _record(actor: Actor, row: Passkey, category: str, message: str) -> None:
    events.record(
        actor=actor,
        space=None,
        category=category,
        message=message,
        subject=row.user.public_id,
    )
