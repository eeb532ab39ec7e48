"""Variable sets and their variables."""

from typing import ClassVar
from uuid import uuid4

from django.db import models

from deployments.base.models import SpaceOwned


class VariableSet(SpaceOwned):
    """All variables of one owner (a project); `version` guards against lost updates.

    Its public id is `variableset-{owner}`.
    """

    id_prefix = "variableset"

    owner_id = models.CharField(max_length=100, unique=True)
    version = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return f"variableset-{self.owner_id}"


def new_variable_id() -> str:
    """Return a new variable id (a GUID, as clients expect)."""
    return str(uuid4())


class Variable(SpaceOwned):
    """One value of a name. `scope` maps a dimension (deployments.library.scoping.DIMENSIONS) to
    public ids or names; `sealed_value` holds sensitive values; `prompt` is empty or has label,
    description, required and display_settings.
    """

    id_prefix = "Variables"

    variable_set = models.ForeignKey(
        VariableSet, on_delete=models.CASCADE, related_name="variables"
    )
    guid = models.CharField(max_length=36, default=new_variable_id)
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=1000)
    value = models.TextField(blank=True, null=True)  # noqa: DJ001 null means "no value"
    sealed_value = models.BinaryField(null=True, blank=True)
    kind = models.CharField(max_length=50, default="String")
    description = models.TextField(blank=True)
    is_sensitive = models.BooleanField(default=False)
    scope = models.JSONField(default=dict)
    prompt = models.JSONField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["variable_set", "guid"], name="variable_guid_unique")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def secret_place(self) -> str:
        """The associated data of `sealed_value`."""
        return variable_place(self.variable_set.public_id, self.guid)


def variable_place(variable_set_id: str, guid: str) -> str:
    """Return what a sensitive value is bound to: the set (and so its snapshots) and its id."""
    return f"variable:{variable_set_id}:{guid}"
