"""Actors from users."""

from datetime import datetime

from deployments.access.models import User
from deployments.base import public_ids
from deployments.base.actor import Actor, Authentication
from deployments.base.errors import Invalid


def actor_of(
    user: User,
    authentication: Authentication,
    *,
    ip_address: str = "",
    user_agent: str = "",
    credential_expires: datetime | None = None,
    credential: str = "",
) -> Actor:
    """Return the actor for a user who proved who they are by `authentication`."""
    return Actor(
        user_id=user.pk,
        username=user.username,
        display_name=user.display_name or user.username,
        authentication=authentication,
        ip_address=ip_address,
        user_agent=user_agent,
        credential_expires=credential_expires,
        credential=credential,
    )


def actor_behind(public_id: str, name: str, *, reason: str) -> Actor:
    """Return the actor for work that goes on in somebody's name, with no more rights than theirs.

    Raises Invalid when that user may not sign in any more. What the server itself began goes on as
    the server.
    """
    number = public_ids.parse(User.id_prefix, public_id)
    if number is None:
        return Actor.system(reason)
    user = User.objects.filter(pk=number, is_active=True).first()
    if user is None:
        raise Invalid(f"{name}, in whose name this is done, may not sign in any more.")
    return actor_of(user, "Automation")
