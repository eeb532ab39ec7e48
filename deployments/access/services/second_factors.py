"""Second factors: authenticator apps, recovery codes, and taking them away."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from django.db import transaction

from deployments.access.models import (
    Authenticator,
    BrowserSession,
    ExternalLogin,
    Passkey,
    RecoveryCode,
    User,
)
from deployments.access.services.browser_sessions import drop_sessions
from deployments.access.services.guards import require_over_user
from deployments.access.services.sign_in_rules import sign_in_rules
from deployments.access.services.users import require_current_password
from deployments.access.signing_in import recovery_codes, totp
from deployments.access.signing_in.throttle import code_attempts
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.secrets import secret_box

Need = Literal["", "code", "passkey", "set_up"]
# As long as a session lasts before signing in: time enough to find the phone.
_CONFIRMED_WITHIN = timedelta(minutes=15)
# Who has no password proves by having signed in so lately that the session is not a stolen one.
FRESH: Final = timedelta(minutes=10)
_WRONG = "This code is not right, or it was used before."


@dataclass(frozen=True, slots=True)
class Factors:
    """What a user has beside a password."""

    has_app: bool
    passkeys: int
    recovery_codes: int

    @property
    def any(self) -> bool:
        """Whether a password alone does not suffice."""
        return self.has_app or self.passkeys > 0


def factors_of(user: User) -> Factors:
    """Return what the user has beside a password."""
    return Factors(
        has_app=Authenticator.objects.filter(user=user, confirmed__isnull=False).exists(),
        passkeys=Passkey.objects.filter(user=user).count(),
        recovery_codes=RecoveryCode.objects.filter(user=user).count(),
    )


def need_after_password(user: User) -> Need:
    """Return what has to follow a right password; with a passkey a password is not enough."""
    factors = factors_of(user)
    if factors.has_app:
        return "code"
    if factors.passkeys:
        return "passkey"
    return "set_up" if sign_in_rules().require_second_factor else ""


def begin_app(*, actor: Actor, user: User, clock: Clock = utc_now) -> str:
    """Make the secret of a new app, to be confirmed by a first code; returns what tells it apart.

    The session that began keeps that, so that no other one sees the secret. Raises Invalid.
    """
    require_oneself(actor, user)
    with transaction.atomic():
        if Authenticator.objects.filter(user=user, confirmed__isnull=False).exists():
            raise Invalid("You have an authenticator app already. Remove it first.")
        row = Authenticator(user=user, created=clock())
        secret = totp.new_secret().hex()  # the box seals texts
        row.sealed_secret = secret_box().seal(secret, place=row.secret_place)
        Authenticator.objects.update_or_create(
            user=user,
            defaults={
                "sealed_secret": row.sealed_secret,
                "created": row.created,
                "confirmed": None,
                "last_step": 0,
            },
        )
        _record(actor, user, f"{user.username} began to set up an authenticator app")
    return row.created.isoformat()


def app_begun(user: User, begun: str | None, *, clock: Clock = utc_now) -> Authenticator | None:
    """Return the app that `begin_app` began so, while it may be confirmed."""
    rows = Authenticator.objects.filter(
        user=user, confirmed__isnull=True, created__gt=clock() - _CONFIRMED_WITHIN
    )
    row = rows.select_related("user").first()
    return row if row is not None and row.created.isoformat() == begun else None


def secret_of(row: Authenticator) -> bytes:
    """Return the secret of an app."""
    sealed = bytes(row.sealed_secret)
    opened = secret_box().open(sealed, place=row.secret_place)
    return bytes.fromhex(opened.reveal())


def confirm_app(
    *, actor: Actor, user: User, code: str, begun: str | None, clock: Clock = utc_now
) -> list[str]:
    """Take the app into use after a first code; returns new recovery codes. Raises Invalid."""
    require_oneself(actor, user)
    row = app_begun(user, begun, clock=clock)
    if row is None:
        raise Invalid("There is no authenticator app to confirm. Begin anew.")
    attempts = code_attempts(user, clock=clock)
    attempts.begin()
    step = totp.matching_step(secret_of(row), recovery_codes.plain(code), now=clock())
    if step is None:
        raise Invalid(fields={"Code": ["This is not the code that the app shows now."]})
    attempts.succeeded()
    with transaction.atomic():
        rows = Authenticator.objects.filter(pk=row.pk, confirmed__isnull=True, created=row.created)
        if not rows.update(confirmed=clock(), last_step=step):
            raise Invalid("The authenticator app was confirmed already, or begun anew.")
        _record(actor, user, f"{user.username} signs in with an authenticator app from now on")
        return _replace_codes(user)


def check_code(*, actor: Actor, user: User, code: str, clock: Clock = utc_now) -> str:
    """Return how a code proves who it is: `code` or `recovery`. Raises Invalid.

    Both kinds count once, and attempts at both count together.
    """
    attempts = code_attempts(user, clock=clock)
    attempts.begin()
    typed = recovery_codes.plain(code)
    if _takes_app_code(user, typed, clock):
        attempts.succeeded()
        return "code"
    with transaction.atomic():
        used, _ = RecoveryCode.objects.filter(
            user=user, sha256=recovery_codes.digest(typed)
        ).delete()
        if not used:
            raise Invalid(fields={"Code": [_WRONG]})
        left = RecoveryCode.objects.filter(user=user).count()
        _record(actor, user, f"A recovery code of {user.username} was used; {left} are left")
    attempts.succeeded()
    return "recovery"


def remove_app(*, actor: Actor, user: User, password: str, session: str) -> None:
    """Sign in without the app from now on. Raises Invalid."""
    require_oneself(actor, user)
    require_identity(user, password, session)
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        if not factors_of(user).any:
            RecoveryCode.objects.filter(user=user).delete()
        _record(actor, user, f"{user.username} removed the authenticator app")


def new_recovery_codes(*, actor: Actor, user: User, password: str, session: str) -> list[str]:
    """Replace the recovery codes; returns the new ones, which nobody can read again."""
    require_oneself(actor, user)
    require_identity(user, password, session)
    if not factors_of(user).any:
        raise Invalid("Recovery codes stand in for a second factor, and you have none.")
    with transaction.atomic():
        _record(actor, user, f"{user.username} made new recovery codes")
        return _replace_codes(user)


def reset_factors(*, actor: Actor, user: User) -> None:
    """Take every second factor from a user who has lost theirs, and end their sessions."""
    if actor.user_id == user.pk:
        raise Invalid("Your own factors you change under Account, Signing in.")
    require_over_user(actor, user)
    with transaction.atomic():
        for model in (Authenticator, RecoveryCode, Passkey):
            model.objects.filter(user=user).delete()
        drop_sessions(user)
        _record(actor, user, f"The second factors of {user.username} were reset")


def require_oneself(actor: Actor, user: User) -> None:
    """Raise unless a person who has signed in changes their own factors.

    An API key must not become a way to sign in, nor a service account somebody who does.
    """
    if actor.user_id != user.pk:
        raise NotPermitted("UserEdit", "people change their own factors")
    if actor.authentication != "Session" or user.is_service:
        raise Invalid("Sign in with a browser to change how you sign in.")


def require_identity(user: User, password: str, session: str, *, clock: Clock = utc_now) -> None:
    """Ask for the password before factors change; a session alone could be a stolen one.

    Who has none must have signed in lately; `session` is the row of the request's. Raises Invalid.
    """
    if user.has_usable_password():
        require_current_password(user, password)
        return
    rows = BrowserSession.objects.filter(pk=session, user=user, created__gt=clock() - FRESH)
    if not rows.exists():
        raise Invalid("Sign in again first.")


def require_other_way_in(user: User, leaving: Passkey | ExternalLogin) -> None:
    """Raise Invalid when this is all that a user without a password can sign in with."""
    passkeys = user.passkeys.all()
    logins = user.external_logins.filter(provider__is_enabled=True)
    if isinstance(leaving, Passkey):
        passkeys = passkeys.exclude(pk=leaving.pk)
    else:
        logins = logins.exclude(pk=leaving.pk)
    if not (user.has_usable_password() or passkeys.exists() or logins.exists()):
        raise Invalid(
            "This is your only way to sign in. Add another one or ask for a password first."
        )


def _takes_app_code(user: User, code: str, clock: Clock) -> bool:
    row = Authenticator.objects.filter(user=user, confirmed__isnull=False).first()
    if row is None:
        return False
    step = totp.matching_step(secret_of(row), code, now=clock(), after=row.last_step)
    if step is None:
        return False
    # Of two requests with the same code one is too late.
    rows = Authenticator.objects.filter(pk=row.pk, last_step__lt=step)
    return bool(rows.update(last_step=step))


def _replace_codes(user: User) -> list[str]:
    codes = recovery_codes.new_codes()
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(user=user, sha256=recovery_codes.digest(code)) for code in codes]
    )
    return codes


def _record(actor: Actor, user: User, message: str) -> None:
    events.record(
        actor=actor, space=None, category="Modified", message=message, subject=user.public_id
    )
