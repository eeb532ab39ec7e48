"""Workers: agents that run steps on behalf of the server."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.infrastructure.models.agent import Agent
from deployments.infrastructure.models.machine import HealthChecked
from deployments.infrastructure.models.policy import MachinePolicy


class WorkerPool(SpaceOwned):
    """A group of workers that actions choose from."""

    id_prefix = "WorkerPools"

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)
    is_default = models.BooleanField(default=False)
    sort_order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["sort_order", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="worker_pool_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class Worker(HealthChecked, SpaceOwned):
    """One worker; `is_built_in` is the one that `octopus-server up` runs itself."""

    id_prefix = "Workers"

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    pools = models.ManyToManyField(WorkerPool, related_name="workers")
    is_disabled = models.BooleanField(default=False)
    is_built_in = models.BooleanField(default=False)
    policy = models.ForeignKey(MachinePolicy, on_delete=models.PROTECT, related_name="workers")
    agent = models.OneToOneField(
        Agent, on_delete=models.SET_NULL, null=True, blank=True, related_name="worker"
    )
    endpoint = models.JSONField(default=dict)
    created = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="worker_name_unique")
        ]

    def __str__(self) -> str:
        return self.name
