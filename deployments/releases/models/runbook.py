"""Snapshots and runs of runbooks."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project, Runbook
from deployments.projects.runbooks import settings_of_runbook
from deployments.projects.settings import DeploymentSettings
from deployments.releases.models.carried_out import CarriedOut
from deployments.releases.models.release import SelectedPackageVersion
from deployments.releases.models.snapshot import ProcessSnapshot, VariableSetSnapshot
from deployments.server_tasks.models import ServerTask


class RunbookSnapshot(SpaceOwned):
    """A runbook with frozen process, variables and package versions; at most one is published."""

    id_prefix = "RunbookSnapshots"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    runbook = models.ForeignKey(Runbook, on_delete=models.CASCADE, related_name="snapshots")
    name = models.CharField(max_length=200)
    notes = models.TextField(blank=True)
    assembled = models.DateTimeField()
    assembled_by = models.CharField(max_length=100)
    process_snapshot = models.ForeignKey(
        ProcessSnapshot, on_delete=models.PROTECT, related_name="runbook_snapshots"
    )
    variable_snapshot = models.ForeignKey(
        VariableSetSnapshot, on_delete=models.PROTECT, related_name="runbook_snapshots"
    )
    library_snapshots = models.JSONField(default=list)
    is_published = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["runbook", "name"], name="runbook_snapshot_name_unique"
            ),
            models.UniqueConstraint(
                fields=["runbook"],
                condition=models.Q(is_published=True),
                name="runbook_snapshot_published_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def process_owner(self) -> str:
        """Return the public id that variables limited to the process name."""
        return f"Runbooks-{self.runbook_id}"

    @property
    def channel_scope(self) -> str:
        """Return no channel: steps and values that name one never apply."""
        return ""

    @property
    def settings_in_force(self) -> DeploymentSettings:
        """Return how it is carried out."""
        return settings_of_runbook(self.runbook.settings)

    @property
    def naming_variables(self) -> dict[str, str]:
        """Return what a concurrency tag may use of it."""
        return {
            "Octopus.Runbook.Id": f"Runbooks-{self.runbook_id}",
            "Octopus.Runbook.Name": self.runbook.name,
            "Octopus.RunbookSnapshot.Id": self.public_id,
            "Octopus.RunbookSnapshot.Name": self.name,
        }


class RunbookSnapshotPackage(SelectedPackageVersion):
    """A version that a snapshot has chosen."""

    snapshot = models.ForeignKey(
        RunbookSnapshot, on_delete=models.CASCADE, related_name="selected_packages"
    )

    class Meta(SelectedPackageVersion.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["snapshot", "action_name", "reference_name"],
                name="runbook_package_unique",
            )
        ]


class RunbookRun(CarriedOut):
    """One run of a snapshot; executed by exactly one server task."""

    id_prefix = "RunbookRuns"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="runbook_runs")
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, related_name="runs")
    snapshot = models.ForeignKey(RunbookSnapshot, on_delete=models.PROTECT, related_name="runs")
    environment = models.ForeignKey(
        Environment, on_delete=models.PROTECT, related_name="runbook_runs"
    )
    task = models.OneToOneField(ServerTask, on_delete=models.PROTECT, related_name="runbook_run")

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["runbook", "environment", "-id"], name="runbook_run_newest")
        ]

    def __str__(self) -> str:
        return f"Run in {self.environment}"

    @property
    def frozen(self) -> RunbookSnapshot:
        """Return what is carried out."""
        return self.snapshot

    @property
    def secret_place(self) -> str:
        """Return what the sensitive values given at creation are bound to."""
        return f"runbook:{self.snapshot_id}:{self.environment_id}"
