"""Why a release may not go further."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.releases.models.release import Release


class Defect(SpaceOwned):
    """A problem that keeps a release out of the phases that it has not succeeded in yet.

    It does so until it is `resolved`; a release has at most one that is not.
    """

    id_prefix = "Defects"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "release__project_id",
        "project_group": "release__project__group_id",
    }

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="defects")
    description = models.TextField()
    reported = models.DateTimeField()
    reported_by = models.CharField(max_length=100)
    resolved = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["release"],
                condition=models.Q(resolved__isnull=True),
                name="one_unresolved_defect",
            )
        ]

    def __str__(self) -> str:
        return self.description

    @property
    def status(self) -> str:
        """Return the wire's word."""
        return "Unresolved" if self.resolved is None else "Resolved"
