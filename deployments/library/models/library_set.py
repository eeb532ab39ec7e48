"""Library variable sets: variables that several projects include."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.library.models.variable import VariableSet


class LibraryVariableSet(SpaceOwned):
    """A named set of variables for any project of the space, or a script module.

    A script module is a set whose two variables hold a script and its language
    (deployments.library.script_modules).
    `templates` are the values that each tenant of those projects fills in, as documents
    (deployments.library.variable_templates).
    """

    id_prefix = "LibraryVariableSets"

    class Content(models.TextChoices):
        VARIABLES = "Variables"
        SCRIPT_MODULE = "ScriptModule"

    name = models.CharField(max_length=200)
    content = models.CharField(max_length=20, choices=Content, default=Content.VARIABLES)
    description = models.TextField(blank=True)
    variable_set = models.OneToOneField(
        VariableSet, on_delete=models.PROTECT, related_name="library_set", null=True
    )
    templates = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="library_set_name_unique")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def values(self) -> VariableSet:
        """Return the set's variables; every stored row has them."""
        if self.variable_set is None:
            raise TypeError(f"{self.public_id} is not stored.")
        return self.variable_set
