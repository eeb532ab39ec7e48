"""Lifecycles: in which order a release may travel through environments."""

from typing import ClassVar
from uuid import uuid4

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.infrastructure.models import Environment


def new_phase_id() -> str:
    """Return a new phase id (a GUID, as clients expect)."""
    return str(uuid4())


class Lifecycle(SpaceOwned):
    """An ordered list of phases; without phases each environment is one, in sort order."""

    id_prefix = "Lifecycles"

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)
    release_retention = models.JSONField(null=True, blank=True)
    tentacle_retention = models.JSONField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="lifecycle_name_unique"),
            models.UniqueConstraint(fields=["space", "slug"], name="lifecycle_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Phase(models.Model):
    """One phase. `minimum_environments` 0 means all of its environments."""

    lifecycle = models.ForeignKey(Lifecycle, on_delete=models.CASCADE, related_name="phases")
    guid = models.CharField(max_length=36, default=new_phase_id)
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    minimum_environments = models.PositiveIntegerField(default=0)
    is_optional = models.BooleanField(default=False)
    is_priority = models.BooleanField(default=False)
    release_retention = models.JSONField(null=True, blank=True)
    tentacle_retention = models.JSONField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["position"]

    def __str__(self) -> str:
        return self.name


class PhaseEnvironment(models.Model):
    """An environment of a phase; an environment in a lifecycle cannot be deleted."""

    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="phase_environments")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    is_automatic = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["phase", "environment"], name="phase_environment_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.environment} in {self.phase}"
