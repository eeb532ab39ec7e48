"""Deployment targets."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.base.participation import Participation
from deployments.infrastructure.models.agent import Agent
from deployments.infrastructure.models.environment import Environment
from deployments.infrastructure.models.policy import MachinePolicy


class HealthStatus(models.TextChoices):
    """What the last check or connection said."""

    HEALTHY = "Healthy"
    UNAVAILABLE = "Unavailable"
    UNKNOWN = "Unknown"
    HAS_WARNINGS = "HasWarnings"
    UNHEALTHY = "Unhealthy"


class HealthChecked(models.Model):
    """What is known of the health of a target or worker.

    `verdict` is what the last check said that reached it; it counts again when its agent comes
    back. `failed_checks` and `away_s` count checks in a row that did not reach it, and the time
    between them.
    """

    health_status = models.CharField(
        max_length=20, choices=HealthStatus.choices, default=HealthStatus.UNKNOWN
    )
    status_summary = models.CharField(max_length=500, blank=True)
    verdict = models.CharField(max_length=20, blank=True)
    verdict_summary = models.CharField(max_length=500, blank=True)
    last_check = models.DateTimeField(null=True, blank=True)
    last_check_task = models.CharField(max_length=100, blank=True)
    failed_checks = models.PositiveIntegerField(default=0)
    away_s = models.FloatField(default=0)

    class Meta:
        abstract = True


class Machine(HealthChecked, SpaceOwned):
    """A server that steps run on, chosen by environment and roles (target tags).

    For a tenant it is chosen as well when `tenanted_participation` allows it and the tenant is
    among its MachineTenant rows or carries its `tenant_tags` (canonical names).
    """

    id_prefix = "Machines"
    scope_paths: ClassVar[dict[str, str]] = {
        "environment": "environments__id",
        "tenant": "tenant_links__tenant_number",
    }

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    environments = models.ManyToManyField(
        Environment, through="MachineEnvironment", related_name="machines"
    )
    roles = models.JSONField(default=list)
    tenanted_participation = models.CharField(
        max_length=30,
        choices=[(each, each) for each in Participation],
        default=Participation.UNTENANTED,
    )
    tenant_tags = models.JSONField(default=list)
    is_disabled = models.BooleanField(default=False)
    policy = models.ForeignKey(MachinePolicy, on_delete=models.PROTECT, related_name="machines")
    agent = models.OneToOneField(
        Agent, on_delete=models.SET_NULL, null=True, blank=True, related_name="machine"
    )
    endpoint = models.JSONField(default=dict)
    created = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="machine_name_unique"),
            models.UniqueConstraint(fields=["space", "slug"], name="machine_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class MachineEnvironment(models.Model):
    """A machine's place in an environment; an environment with machines cannot be deleted."""

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["machine", "environment"], name="machine_environment_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.machine} in {self.environment}"


class MachineTenant(models.Model):
    """A tenant that a machine serves, by number because tenants are of an upper floor."""

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="tenant_links")
    tenant_number = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["machine", "tenant_number"], name="machine_tenant_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.machine} for Tenants-{self.tenant_number}"
