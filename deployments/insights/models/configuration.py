"""What somebody's dashboard is limited to."""

from typing import ClassVar

from django.db import models

from deployments.access.models import User
from deployments.base.models import SpaceOwned


class DashboardConfiguration(SpaceOwned):
    """What one person's dashboard shows: row numbers, and canonical names of tags; none means all.

    Projects are those named and those of the groups; tenants are those named and those whom the
    tags mean.
    """

    id_prefix = "DashboardConfigurations"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    project_groups = models.JSONField(default=list)
    projects = models.JSONField(default=list)
    environments = models.JSONField(default=list)
    tenants = models.JSONField(default=list)
    tenant_tags = models.JSONField(default=list)
    project_limit = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "user"], name="dashboard_of_user")
        ]

    def __str__(self) -> str:
        return f"Dashboard of {self.user}"
