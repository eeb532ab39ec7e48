"""Releases."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.projects.models import Channel, Project
from deployments.projects.settings import DeploymentSettings, deployment_settings
from deployments.releases.models.snapshot import ProcessSnapshot, VariableSetSnapshot
from packages_feed.models.fields import BytewiseCharField


class Release(SpaceOwned):
    """A version of a project with frozen process, variables and package versions.

    `version_key` sorts as versions do. `library_snapshots` names those of the library sets that the
    project included, in its order (FrozenSet). `build_information` is what was known of the builds
    of its packages when they were chosen (deployments.releases.builds).
    """

    id_prefix = "Releases"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="releases")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="releases")
    version = models.CharField(max_length=349)
    version_lower = models.CharField(max_length=349)
    version_key = BytewiseCharField(max_length=700)
    notes = models.TextField(blank=True)
    assembled = models.DateTimeField()
    assembled_by = models.CharField(max_length=100)
    process_snapshot = models.ForeignKey(
        ProcessSnapshot, on_delete=models.PROTECT, related_name="releases"
    )
    variable_snapshot = models.ForeignKey(
        VariableSetSnapshot, on_delete=models.PROTECT, related_name="releases"
    )
    library_snapshots = models.JSONField(default=list)
    ignore_channel_rules = models.BooleanField(default=False)
    custom_fields = models.JSONField(default=dict)
    build_information = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "version_lower"], name="release_version_unique"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "-version_key"], name="release_newest"),
            models.Index(fields=["project", "-id"], name="release_made_last"),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def process_owner(self) -> str:
        """Return the public id that variables limited to the process name."""
        return f"Projects-{self.project_id}"

    @property
    def channel_scope(self) -> str:
        """Return the public id of the channel in which steps and values apply."""
        return f"Channels-{self.channel_id}"

    @property
    def settings_in_force(self) -> DeploymentSettings:
        """Return how it is carried out."""
        return deployment_settings(self.project.settings)

    @property
    def naming_variables(self) -> dict[str, str]:
        """Return what a concurrency tag may use of it."""
        return {"Octopus.Release.Number": self.version}


class SelectedPackageVersion(models.Model):
    """The version of one package reference of one action, as it was chosen."""

    action_name = models.CharField(max_length=200)
    step_name = models.CharField(max_length=200, blank=True)
    reference_name = models.CharField(max_length=200, blank=True)
    package_id = models.CharField(max_length=200)
    feed_id = models.CharField(max_length=100)
    version = models.CharField(max_length=350)

    class Meta:
        abstract = True
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.package_id} {self.version}"


class ReleaseSelectedPackage(SelectedPackageVersion):
    """A version that a release has chosen."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="selected_packages")

    class Meta(SelectedPackageVersion.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["release", "action_name", "reference_name"],
                name="selected_package_unique",
            )
        ]


class DeletedRelease(SpaceOwned):
    """The number of a release that was deleted, so that numbering does not give it again."""

    id_prefix = "DeletedReleases"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="deleted_releases")
    version = models.CharField(max_length=349)
    channel_name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.version
