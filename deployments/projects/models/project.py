"""Projects."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.library.models import VariableSet
from deployments.projects.models.group import ProjectGroup
from deployments.projects.models.lifecycle import Lifecycle


class Project(SpaceOwned):
    """What is deployed and how. `settings` holds the deployment settings document."""

    id_prefix = "Projects"
    scope_paths: ClassVar[dict[str, str]] = {"project": "id", "project_group": "group_id"}

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)
    group = models.ForeignKey(ProjectGroup, on_delete=models.PROTECT, related_name="projects")
    lifecycle = models.ForeignKey(Lifecycle, on_delete=models.PROTECT, related_name="projects")
    variable_set = models.OneToOneField(
        VariableSet, on_delete=models.PROTECT, related_name="project", null=True
    )
    is_disabled = models.BooleanField(default=False)
    settings = models.JSONField(default=dict)
    extra = models.JSONField(default=dict)
    cloned_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="project_name_unique"),
            models.UniqueConstraint(fields=["space", "slug"], name="project_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name
