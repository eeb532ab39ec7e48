"""Spaces and the abstract base of everything a space owns."""

from typing import Any, ClassVar, Self

from django.db import models

from deployments.base.public_ids import PublicId
from deployments.base.querysets import SpaceManager, unguarded


class LivingSpaces(models.Manager["Space"]):
    """Spaces that are not deleted; what was in a deleted one goes in the background."""

    def get_queryset(self) -> models.QuerySet["Space"]:
        return super().get_queryset().filter(deletion="")


class Deletion(models.TextChoices):
    """How far the deletion of a space is."""

    RUNNING = "Running"
    DONE = "Done"


class Space(PublicId, models.Model):
    """A hard partition of the server.

    The row of a deleted space stays, so that the events of its life keep their place.
    """

    id_prefix = "Spaces"

    name = models.CharField(max_length=200, unique=True)
    slug = models.SlugField(max_length=210, unique=True)
    description = models.TextField(blank=True)
    is_default = models.BooleanField(default=False)
    task_queue_stopped = models.BooleanField(default=False)
    deletion = models.CharField(max_length=10, blank=True, default="", choices=Deletion.choices)

    objects = LivingSpaces()
    every: ClassVar[models.Manager["Space"]] = models.Manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_space",
            )
        ]

    def __str__(self) -> str:
        return self.name


class SpaceOwned(PublicId, models.Model):
    """Abstract base: rows of one space, never readable without naming it.

    `scope_paths` maps a dimension of a role's scope (project, project_group, environment,
    tenant) to the lookup from this model to the row's number in that dimension.
    """

    scope_paths: ClassVar[dict[str, str]] = {}

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[SpaceManager[Self]] = SpaceManager()

    class Meta:
        abstract = True

    def validate_unique(self, exclude: Any = None) -> None:
        with unguarded("model validation"):
            super().validate_unique(exclude)

    def validate_constraints(self, exclude: Any = None) -> None:
        with unguarded("model validation"):
            super().validate_constraints(exclude)


class SpaceIndexed(SpaceOwned):
    """Abstract base of owned models with an index of their own that begins with the space.

    One of the space alone would be another to write, and PostgreSQL takes it for the best of them
    as long as it knows nothing of the table.
    """

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        abstract = True
