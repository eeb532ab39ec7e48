"""What people set for themselves and nobody audits."""

from typing import Final

from deployments.access.models import User
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.errors import Invalid, NotPermitted

THEMES: Final = (("auto", "As the system"), ("light", "Light"), ("dark", "Dark"))


def set_theme(*, actor: Actor, user: User, theme: str) -> None:
    """Choose how the portal looks for oneself. Raises Invalid."""
    if actor.user_id != user.pk:
        raise NotPermitted(Permission.UserEdit)
    if theme not in dict(THEMES):
        raise Invalid(fields={"Theme": ["There is no such theme."]})
    User.objects.filter(pk=user.pk).update(theme=theme)
