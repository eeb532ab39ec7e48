"""Channels."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.projects.models.lifecycle import Lifecycle
from deployments.projects.models.project import Project


class Channel(SpaceOwned):
    """A kind of release of a project; `lifecycle` empty means the project's."""

    id_prefix = "Channels"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)
    is_default = models.BooleanField(default=False)
    lifecycle = models.ForeignKey(
        Lifecycle, on_delete=models.PROTECT, null=True, blank=True, related_name="channels"
    )
    rules = models.JSONField(default=list)
    extra = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="channel_name_unique"),
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(is_default=True),
                name="one_default_channel",
            ),
        ]

    def __str__(self) -> str:
        return self.name
