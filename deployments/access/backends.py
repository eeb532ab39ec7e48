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
from deployments.access.throttle import SignInThrottle, canonical
from deployments.base.models import SpaceOwned


class PasswordBackend(ModelBackend):
    """Username (ignoring case) and password, slowed down after failures."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> User | None:
        if not username or not password:
            return None
        throttle = SignInThrottle(username)
        throttle.require_open()
        user = User.objects.filter(username__iexact=canonical(username)).first()
        if user is None or user.is_service or not user.has_usable_password():
            User().set_password(password)  # the same time as for a known name
            user = None
        elif not user.check_password(password) or not self.user_can_authenticate(user):
            user = None
        if user is None:
            throttle.failed()
        else:
            throttle.succeeded()
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
