"""Invitations: a link with which one person makes an account."""

from typing import ClassVar

from django.db import models

from deployments.access.models.team import Team
from deployments.access.models.user import User
from deployments.base.public_ids import PublicId


class Invitation(PublicId, models.Model):
    """An invitation, deleted when it is used; only the SHA-256 of its code is kept."""

    id_prefix = "Invitations"

    sha256 = models.CharField(max_length=64, unique=True)
    email = models.EmailField(blank=True)
    teams = models.ManyToManyField(Team, blank=True, related_name="+")
    inviter = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    created = models.DateTimeField()
    expires = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return self.email or self.public_id
