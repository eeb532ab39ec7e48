"""Authentication backends: passwords, and roles as Django permissions."""

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest  # noqa: TID251 the signature that Django calls

from deployments.access.actors import actor_of
from deployments.access.grants import load_grants
from deployments.access.models import User
from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.signing_in.throttle import canonical, password_attempts
from deployments.base.models import SpaceOwned


def find_by_name(text: str) -> User | None:
    """Return the person with this username, else with this mail address if only one has it."""
    name = canonical(text)
    user = User.objects.filter(username__iexact=name).first()
    if user is not None or "@" not in name:
        return user
    found = User.objects.filter(email__iexact=name, is_service=False)[:2]
    return found[0] if len(found) == 1 else None


class PasswordBackend(ModelBackend):
    """Username or mail address (ignoring case) and password, slowed down after failures."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        *,
        in_parallel: bool = False,
        **_: Any,
    ) -> User | None:
        """Return whose name and password these are; raises Invalid after too many failures.

        Clients of the feed send the right password with many requests at once (`in_parallel`).
        """
        if not username or not password:
            return None
        user = find_by_name(username)
        attempts = password_attempts(user, username)
        if in_parallel:
            attempts.require_open()
        else:
            attempts.begin()
        if user is None or user.is_service or not user.has_usable_password():
            User().set_password(password)  # the same time as for a known name
            user = None
        elif not user.check_password(password) or not self.user_can_authenticate(user):
            user = None
        if user is not None:
            attempts.succeeded()
        elif in_parallel:
            attempts.failed()
        return user

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return False  # roles answer, not Django's own permission tables


class ScopedRoleBackend(BaseBackend):
    """`user.has_perm("ProjectEdit", project)` asks the roles of the user's teams."""

    def has_perm(self, user_obj: AbstractBaseUser | Any, perm: str, obj: Any = None) -> bool:
        if not isinstance(user_obj, User) or not user_obj.is_active:
            return False
        if perm not in Permission.__members__:
            return False
        actor = actor_of(user_obj, "Session")
        if isinstance(obj, SpaceOwned):
            return allows_on(actor, obj, perm)
        return obj is None and load_grants(actor, None).allows_system(perm)
