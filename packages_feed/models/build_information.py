"""What a build server tells about a package version: where it was built, from which commits."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceIndexed
from packages_feed.models.fields import BytewiseCharField


class BuildInformation(SpaceIndexed):
    """The story of one package version; it may come before the package does.

    `id_lower` and `version_lower` are as those of PackageVersion; a version of another feed that is
    no semantic one stands in `version_lower` as it is written. `document` has the names of the
    wire: BuildEnvironment, BuildNumber, BuildUrl, Branch, VcsType, VcsRoot, VcsCommitNumber and
    Commits, a list of Id and Comment.
    """

    id_prefix = "BuildInformation"

    package_id = models.CharField(max_length=200)
    id_lower = models.CharField(max_length=200)
    version = models.CharField(max_length=350)
    version_lower = BytewiseCharField(max_length=350)
    version_key = BytewiseCharField(max_length=700)
    document = models.JSONField(default=dict)
    created = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["id_lower", "-version_key", "-version_lower"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["space", "id_lower", "version_lower"], name="build_information_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.package_id} {self.version}"
