"""Teams: people who hold the same roles."""

from typing import ClassVar

from django.contrib.auth.models import Group
from django.db import models

from deployments.access.models.user import User
from deployments.base.models import Space


class Team(models.Model):
    """A team of one space, or a system team when `space` is empty.

    Built-in teams have a fixed public id (`teams-administrators`); others are `Teams-{pk}`.
    """

    id_prefix = "Teams"

    space = models.ForeignKey(Space, on_delete=models.CASCADE, null=True, blank=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    built_in_id = models.CharField(max_length=100, blank=True)
    can_be_deleted = models.BooleanField(default=True)
    everyone = models.BooleanField(default=False)
    users = models.ManyToManyField(User, blank=True, related_name="teams")
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="team")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="team_name_unique"),
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(space__isnull=True),
                name="system_team_name_unique",
            ),
            models.UniqueConstraint(
                fields=["built_in_id"],
                condition=~models.Q(built_in_id=""),
                name="team_built_in_id_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return self.built_in_id or f"Teams-{self.pk}"
