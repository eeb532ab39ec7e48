"""People and service accounts."""

import uuid
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from deployments.base.public_ids import PublicId


class User(PublicId, AbstractBaseUser, PermissionsMixin):
    """A person who signs in, or a service account that only has API keys."""

    id_prefix = "Users"

    username = models.CharField(max_length=150)
    display_name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    is_service = models.BooleanField(default=False)
    is_staff = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    # The audience of tokens that are exchanged for access as this service account.
    external_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    theme = models.CharField(max_length=10, default="auto")

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[BaseUserManager[Self]] = BaseUserManager()

    class Meta:
        ordering: ClassVar = ["username"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("username"), name="username_unique_ignoring_case")
        ]

    def __str__(self) -> str:
        return self.username
