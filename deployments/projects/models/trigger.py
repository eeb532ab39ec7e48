"""Triggers: what makes a project deploy by itself."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.projects.models.project import Project


class ProjectTrigger(SpaceOwned):
    """A filter and an action, as documents of the wire (deployments.projects.triggers).

    It acts as who saved it last. `next_run` is there for schedules that are not paused.
    """

    id_prefix = "ProjectTriggers"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="triggers")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    is_disabled = models.BooleanField(default=False)
    filter_type = models.CharField(max_length=40)
    filter = models.JSONField()
    action = models.JSONField()
    saved_by = models.CharField(max_length=100)
    saved_by_name = models.CharField(max_length=200)
    created = models.DateTimeField()
    next_run = models.DateTimeField(null=True, blank=True, db_index=True)
    last_run = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="trigger_name_unique")
        ]
        indexes: ClassVar = [models.Index(fields=["space", "filter_type"], name="trigger_kind")]

    def __str__(self) -> str:
        return self.name
