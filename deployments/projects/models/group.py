"""Project groups."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned


class ProjectGroup(SpaceOwned):
    """A named group of projects; roles can be scoped to it."""

    id_prefix = "ProjectGroups"
    scope_paths: ClassVar[dict[str, str]] = {"project_group": "id"}

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="project_group_name_unique"),
            models.UniqueConstraint(fields=["space", "slug"], name="project_group_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name
