"""The first administrator, from ADMIN_* of the environment."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from django.db import transaction

from deployments.access.models import User
from deployments.access.services import users
from deployments.access.services.api_keys import FORM, store_api_key
from deployments.access.services.seeding import ADMINISTRATORS
from deployments.access.spaces import default_space
from deployments.base.actor import Actor
from deployments.base.errors import Invalid

DEFAULT_USERNAME = "admin"
_GENERATED_BYTES = 18
_ACTOR = Actor.system("command line")


def create_first_administrator(environment: Mapping[str, str]) -> list[str]:
    """Create the administrator while no user exists; return the lines to show, once.

    Reads ADMIN_USERNAME, ADMIN_EMAIL, ADMIN_PASSWORD and ADMIN_API_KEY (or NAME_FILE of each).
    Raises Invalid.
    """
    if User.objects.exists():
        return []
    key = _value(environment, "ADMIN_API_KEY")
    if key and not FORM.match(key):
        raise Invalid("ADMIN_API_KEY must be API- followed by capital letters and digits.")
    given = _value(environment, "ADMIN_PASSWORD")
    password = given or secrets.token_urlsafe(_GENERATED_BYTES)
    with transaction.atomic():
        user = create_administrator(
            username=_value(environment, "ADMIN_USERNAME") or DEFAULT_USERNAME,
            password=password,
            email=_value(environment, "ADMIN_EMAIL"),
        )
        if key:
            store_api_key(actor=_ACTOR, user=user, purpose="ADMIN_API_KEY", key=key, expires=None)
    lines = [f"The first administrator is {user.username}."]
    if not given:
        lines.append(f"Password (shown only now): {password}")
    return lines


def create_administrator(*, username: str, password: str, email: str = "") -> User:
    """Create an administrator who also manages the default space. Raises Invalid."""
    with transaction.atomic():
        user = users.create_user(
            actor=_ACTOR,
            username=username,
            display_name="Administrator" if username == DEFAULT_USERNAME else username,
            email=email,
            password=password,
        )
        users.add_to_team(user=user, built_in_id=ADMINISTRATORS)
        space = default_space()
        if space is not None:
            users.add_to_team(user=user, built_in_id=f"teams-spacemanagers-{space.public_id}")
    return user


def _value(environment: Mapping[str, str], name: str) -> str:
    if environment.get(name):
        return environment[name]
    path = environment.get(f"{name}_FILE")
    try:
        return Path(path).read_text(encoding="utf-8").strip() if path else ""
    except (OSError, ValueError) as error:
        raise Invalid(f"{name}_FILE cannot be read: {error}.") from error
