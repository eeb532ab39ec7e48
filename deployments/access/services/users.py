"""People and service accounts."""

import re
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from deployments.access.grants import load_grants, team_changed
from deployments.access.models import Team, User
from deployments.access.permissions import Permission
from deployments.access.services.browser_sessions import drop_sessions
from deployments.access.services.guards import require_over_user
from deployments.access.signing_in.passwords import require_strong
from deployments.access.signing_in.throttle import password_attempts
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid, NotPermitted

_USERNAME = re.compile(r"[A-Za-z0-9._@+\\-]{1,64}\Z")
_RESERVED = {"system", "guest", "anonymous"}
_MOST_NAME_CHARACTERS = 64
_MOST_ADDRESS_CHARACTERS = 254


def create_user(
    *,
    actor: Actor,
    username: str,
    display_name: str = "",
    email: str = "",
    password: str = "",
    is_service: bool = False,
    is_active: bool = True,
) -> User:
    """Create a person, or a service account (no password). Raises Invalid."""
    load_grants(actor, None).require_system(Permission.UserEdit)
    username = username.strip()
    check_new_user(
        username=username,
        display_name=display_name or username,
        email=email,
        password=password,
        is_service=is_service,
    )
    with transaction.atomic():
        user = insert_user(
            username=username,
            display_name=display_name,
            email=email,
            password=password,
            is_service=is_service,
            is_active=is_active,
        )
        _record(actor, user, "Created", f"User {user.username} was created", {}, snapshot(user))
    return user


def check_new_user(
    *, username: str, display_name: str, email: str, password: str = "", is_service: bool = False
) -> None:
    """Raise Invalid unless the fields of a user are good."""
    _check(username, display_name, password, is_service=is_service)
    _check_address(email)
    if password:
        require_strong(password)


def insert_user(
    *,
    username: str,
    display_name: str = "",
    email: str = "",
    password: str = "",
    is_service: bool = False,
    is_active: bool = True,
) -> User:
    """Insert a checked user as a part of what another service records. Raises Invalid."""
    _require_free(username)
    user = User(
        username=username,
        display_name=display_name.strip() or username,
        email=email.strip(),
        is_service=is_service,
        is_active=is_active,
    )
    if password:
        user.set_password(password)
    else:
        user.set_unusable_password()
    user.save()
    return user


def update_user(
    *,
    actor: Actor,
    user: User,
    display_name: str,
    email: str = "",
    username: str = "",
    password: str = "",
    is_active: bool = True,
    knows_password: bool = False,
    keep_session: str = "",
) -> User:
    """Change a user. People change their own profile without UserEdit.

    Their password only when it was asked for just now (`knows_password`), whatever they may do to
    others: a key or a session that somebody found must not become an account of theirs. A new
    password and deactivation end every session at once; `keep_session` is the row of the one where
    people change their own.
    """
    by_self = actor.user_id == user.pk
    if not by_self:
        require_over_user(actor, user)
    elif password and not knows_password:
        raise Invalid(fields={"Password": ["Change your own password under Account, Signing in."]})
    if by_self and (is_active != user.is_active or (username and username != user.username)):
        raise NotPermitted(Permission.UserEdit)
    name = username.strip() or user.username
    _check(name, display_name, password, is_service=user.is_service)
    _check_address(email)
    if password:
        require_strong(password)
    with transaction.atomic():
        if name.lower() != user.username.lower():
            _require_free(name)
        before = snapshot(user)
        wanted = {
            "username": name,
            "display_name": display_name.strip(),
            "email": email.strip(),
            "is_active": is_active,
        }
        _write(user, wanted, password, by_self=by_self)
        if password or not is_active:
            drop_sessions(user, keep=keep_session)
        after = snapshot(user) | ({"Password": "changed"} if password else {})
        _record(actor, user, "Modified", f"User {user.username} was changed", before, after)
        team_changed()
    return user


def change_password(
    *, actor: Actor, user: User, current: str, password: str, keep_session: str = ""
) -> None:
    """Change one's own password; every other session ends. Raises Invalid."""
    require_current_password(user, current)
    if not password:
        raise Invalid(fields={"Password": ["A new password is required."]})
    update_user(
        actor=actor,
        user=user,
        display_name=user.display_name,
        email=user.email,
        password=password,
        knows_password=True,
        keep_session=keep_session,
    )


def require_current_password(user: User, text: str) -> None:
    """Raise Invalid unless this is the user's password; guesses count as those of signing in."""
    attempts = password_attempts(user, user.username)
    attempts.begin()
    if not user.check_password(text):
        raise Invalid(fields={"Current": ["This is not your current password."]})
    attempts.succeeded()


def delete_user(*, actor: Actor, user: User) -> None:
    """Delete a user with their keys; events keep the name."""
    require_over_user(actor, user)
    if actor.user_id == user.pk:
        raise Invalid("You cannot delete yourself.")
    with transaction.atomic():
        before = snapshot(user)
        _record(actor, user, "Deleted", f"User {user.username} was deleted", before, {})
        user.delete()
        team_changed()


def snapshot(user: User) -> dict[str, Any]:
    """Return what events compare of a user."""
    return {
        "Username": user.username,
        "DisplayName": user.display_name,
        "EmailAddress": user.email,
        "IsActive": user.is_active,
        "IsService": user.is_service,
    }


def add_to_team(*, user: User, built_in_id: str) -> None:
    """Put the user into a built-in team; for the server's own start only."""
    Team.objects.get(built_in_id=built_in_id).users.add(user)
    team_changed()


def _check(username: str, display_name: str, password: str, *, is_service: bool) -> None:
    fields: dict[str, list[str]] = {}
    if not _USERNAME.match(username):
        fields["Username"] = [
            "Username has 1 to 64 characters: letters, digits and . _ @ + - \\ only."
        ]
    elif username.lower() in _RESERVED:
        fields["Username"] = [f"The username '{username}' is reserved."]
    if not 0 < len(display_name.strip()) <= _MOST_NAME_CHARACTERS:
        fields["DisplayName"] = ["DisplayName is required and has at most 64 characters."]
    if password and is_service:
        fields["Password"] = ["A service account has no password; give it an API key."]
    if fields:
        raise Invalid(fields=fields)


def _check_address(email: str) -> None:
    address, is_good = email.strip(), True
    try:
        validate_email(address)
    except ValidationError:
        is_good = False
    if address and not (is_good and len(address) <= _MOST_ADDRESS_CHARACTERS):
        raise Invalid(fields={"EmailAddress": ["This is not a mail address."]})


def _require_free(username: str) -> None:
    if User.objects.filter(username__iexact=username).exists():
        text = f"A user with the username '{username}' already exists."
        raise Invalid(fields={"Username": [text]})


def _write(user: User, wanted: dict[str, Any], password: str, *, by_self: bool) -> None:
    """Write what differs from the row as it was read; the rest may have changed meanwhile."""
    changes = {field: value for field, value in wanted.items() if getattr(user, field) != value}
    rows = User.objects.filter(pk=user.pk)
    if password:
        changes["password"] = make_password(password)
    if password and by_self:
        rows = rows.filter(password=user.password, is_active=True)  # what vouched for the new one
    if changes and not rows.update(**changes):
        raise Invalid("The account was changed meanwhile. Reload the page and try again.")
    for field, value in changes.items():
        setattr(user, field, value)


def _record(actor: Actor, user: User, category: str, message: str, before: Any, after: Any) -> None:
    events.record(
        actor=actor,
        space=None,
        category=category,
        message=message,
        subject=user.public_id,
        before=before,
        after=after,
    )
