"""Runbooks: processes of a project that run without a release."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.projects.models.project import Project


class Runbook(SpaceOwned):
    """A runbook; `settings` holds the document of deployments.projects.runbooks."""

    id_prefix = "Runbooks"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runbooks")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)
    settings = models.JSONField(default=dict)
    created = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="runbook_name_unique"),
            models.UniqueConstraint(fields=["project", "slug"], name="runbook_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name
