"""Immutable copies of a process and of a variable set."""

from functools import cached_property
from typing import ClassVar, TypedDict

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.projects.process import Process, process_from_json


class ProcessSnapshot(SpaceOwned):
    """A process as it was. Its public id is `{process id}-s-{version}-{code}`.

    `created` is when it was made, or used again half a day later or more.
    """

    id_prefix = "ProcessSnapshots"

    owner_id = models.CharField(max_length=150)
    version = models.PositiveIntegerField()
    code = models.CharField(max_length=5)
    steps = models.JSONField()
    created = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner_id", "version", "code"], name="process_snapshot_unique"
            )
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return f"{self.owner_id}-s-{self.version}-{self.code}"

    @cached_property
    def process(self) -> Process:
        """Return the frozen process, read once: it never changes."""
        return process_from_json(self.steps)


class FrozenSet(TypedDict):
    """A snapshot of a library set as releases name it: its number and its public id."""

    number: int
    id: str


class VariableSetSnapshot(SpaceOwned):
    """Variables as they were: plain ones as JSON, sensitive values sealed inside the document.

    Each entry: id, name, value, sealed (base64 or null), kind, description, is_sensitive,
    scope, prompt. Its public id is `{variable set id}-s-{version}-{code}`; `created` is as that of
    a process.
    """

    id_prefix = "VariableSetSnapshots"

    owner_id = models.CharField(max_length=150)
    version = models.PositiveIntegerField()
    code = models.CharField(max_length=5)
    variables = models.JSONField()
    created = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner_id", "version", "code"], name="variable_snapshot_unique"
            )
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return f"{self.owner_id}-s-{self.version}-{self.code}"
