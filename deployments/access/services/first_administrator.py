"""The first administrator: from ADMIN_* of the environment, or by a link that works once."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from deployments.access.models import User
from deployments.access.services import users
from deployments.access.services.api_keys import FORM, store_api_key
from deployments.access.services.seeding import ADMINISTRATORS
from deployments.access.spaces import default_space
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import ServerSetting
from deployments.base.settings_rows import forget_setting, get_setting, set_setting

DEFAULT_USERNAME = "admin"
SETTINGS = ("ADMIN_USERNAME", "ADMIN_EMAIL", "ADMIN_PASSWORD", "ADMIN_API_KEY")
PAGE: Final = "/app/first-administrator"
LINK_LIFE: Final = timedelta(hours=24)
# The row holds the hash of the link's token and its end; it goes with the first administrator.
_LINK = "server.first_administrator"
_GONE = "This link is used, replaced by a newer one or older than a day."
_GENERATED_BYTES = 18
_TOKEN_BYTES = 32
_ACTOR = Actor.system("command line")


def has_users() -> bool:
    """Tell whether anybody can sign in already, or could."""
    return User.objects.exists()


def create_first_administrator(environment: Mapping[str, str]) -> list[str]:
    """Create the administrator that the settings name, while no user exists; return what to show.

    Reads ADMIN_USERNAME, ADMIN_EMAIL, ADMIN_PASSWORD and ADMIN_API_KEY (or NAME_FILE of each); with
    none of them nobody is created. Raises Invalid.
    """
    is_named = any(environment.get(name) or environment.get(f"{name}_FILE") for name in SETTINGS)
    if not is_named or has_users():
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


def link_lines(*, clock: Clock = utc_now) -> list[str]:
    """Make a link to the page of the first administrator; return what to show, nothing with users.

    It works once, for LINK_LIFE, and in place of every earlier one.
    """
    if has_users():
        return []
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    ends = clock() + LINK_LIFE
    set_setting(_LINK, {"sha256": _digest(token), "ends": ends.isoformat()})
    link = f"{settings.OCTOPUS.server_url}{PAGE}/{token}"
    return ["There is no user yet. Make the first administrator here, within 24 hours:", link]


def check_link(token: str, *, clock: Clock = utc_now) -> dict[str, str]:
    """Return the row of a token that is good; raises Invalid."""
    row = get_setting(_LINK)
    if (
        not row
        or not hmac.compare_digest(row["sha256"], _digest(token))
        or clock() >= datetime.fromisoformat(row["ends"])
    ):
        raise Invalid(_GONE)
    return {"sha256": row["sha256"], "ends": row["ends"]}


def create_by_link(
    *,
    token: str,
    username: str,
    password: str,
    display_name: str = "",
    email: str = "",
    ip_address: str = "",
    user_agent: str = "",
    clock: Clock = utc_now,
) -> User:
    """Create the first administrator for who holds the link, which ends with that. Raises Invalid.

    Of several at the same moment one takes the row; whoever waited for it finds it gone.
    """
    if not password:
        raise Invalid(fields={"Password": ["A password is required."]})
    visitor = replace(
        Actor.system("first administrator"), ip_address=ip_address, user_agent=user_agent
    )
    with transaction.atomic():
        row = check_link(token, clock=clock)
        taken, _ = ServerSetting.objects.filter(key=_LINK, value=row).delete()
        if not taken or has_users():
            raise Invalid(_GONE)
        return create_administrator(
            username=username,
            password=password,
            email=email,
            display_name=display_name,
            actor=visitor,
        )


def create_administrator(
    *,
    username: str,
    password: str,
    email: str = "",
    display_name: str = "",
    actor: Actor = _ACTOR,
) -> User:
    """Create an administrator who also manages the default space. Raises Invalid."""
    named = "Administrator" if username == DEFAULT_USERNAME else username
    with transaction.atomic():
        forget_setting(_LINK)
        user = users.create_user(
            actor=actor,
            username=username,
            display_name=display_name or named,
            email=email,
            password=password,
        )
        users.add_to_team(user=user, built_in_id=ADMINISTRATORS)
        space = default_space()
        if space is not None:
            users.add_to_team(user=user, built_in_id=f"teams-spacemanagers-{space.public_id}")
    return user


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _value(environment: Mapping[str, str], name: str) -> str:
    if environment.get(name):
        return environment[name]
    path = environment.get(f"{name}_FILE")
    try:
        return Path(path).read_text(encoding="utf-8").strip() if path else ""
    except (OSError, ValueError) as error:
        raise Invalid(f"{name}_FILE cannot be read: {error}.") from error
