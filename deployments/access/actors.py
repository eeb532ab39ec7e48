"""Actors from users."""

from datetime import datetime

from deployments.access.models import User
from deployments.base.actor import Actor, Authentication


def actor_of(
    user: User,
    authentication: Authentication,
    *,
    ip_address: str = "",
    user_agent: str = "",
    credential_expires: datetime | None = None,
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
    )
