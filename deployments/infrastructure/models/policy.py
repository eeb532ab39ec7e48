"""Machine policies."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned


class MachinePolicy(SpaceOwned):
    """How machines are checked and cleaned up; `document` holds the resource's nested parts.

    `next_check` is when its machines are due; None until that was worked out.
    """

    id_prefix = "MachinePolicies"

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    is_default = models.BooleanField(default=False)
    document = models.JSONField(default=dict)
    next_check = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="machine_policy_name_unique")
        ]

    def __str__(self) -> str:
        return self.name
