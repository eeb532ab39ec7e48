"""Environments: groups of machines that are deployed to together."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned


class Environment(SpaceOwned):
    """A stage such as Development or Production."""

    id_prefix = "Environments"
    scope_paths: ClassVar[dict[str, str]] = {"environment": "id"}

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)
    sort_order = models.PositiveIntegerField(default=0)
    use_guided_failure = models.BooleanField(default=False)
    allow_dynamic_infrastructure = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["sort_order", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="environment_name_unique"),
            models.UniqueConstraint(fields=["space", "slug"], name="environment_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name
