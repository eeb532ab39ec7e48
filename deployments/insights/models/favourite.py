"""Projects that somebody wants on top."""

from typing import ClassVar

from django.db import models

from deployments.access.models import User
from deployments.base.models import SpaceOwned
from deployments.projects.models import Project


class Favourite(SpaceOwned):
    """One project on top of one person's dashboard."""

    id_prefix = "Favourites"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="favourites")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="favourites")

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "project"], name="favourite_unique")
        ]

    def __str__(self) -> str:
        return f"{self.project} of {self.user}"
