"""Which version of each package is the latest, so that a search looks at one row for each id."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceIndexed
from packages_feed.models.fields import BytewiseCharField
from packages_feed.models.package import PackageVersion


class Latest(models.IntegerChoices):
    """Among which versions one is the latest: all, or those that a NuGet client wants to see."""

    OF_ALL = 0, "of all versions, other archives and unlisted ones too"
    PRERELEASE = 1, "of listed NuGet packages"
    STABLE = 2, "of listed, stable NuGet packages"
    PRERELEASE_SEMVER1 = 3, "of listed NuGet packages that old clients can read"
    STABLE_SEMVER1 = 4, "of listed, stable NuGet packages that old clients can read"

    @classmethod
    def of_nuget(cls, *, prerelease: bool, semver2: bool) -> "Latest":
        """Return what is the latest for a client that takes these versions."""
        if semver2:
            return cls.PRERELEASE if prerelease else cls.STABLE
        return cls.PRERELEASE_SEMVER1 if prerelease else cls.STABLE_SEMVER1


class LatestVersion(SpaceIndexed):
    """The latest version of one package in one sense; written by services.latest alone.

    `sort_key` and `search_text` are the version's; a copy spares a search the other versions.
    """

    id_prefix = "LatestVersions"

    id_lower = models.CharField(max_length=200)
    kind = models.PositiveSmallIntegerField()
    version = models.ForeignKey(PackageVersion, on_delete=models.CASCADE, related_name="latest")
    sort_key = BytewiseCharField(max_length=1060)
    search_text = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["space", "kind", "id_lower"], name="latest_version_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.id_lower} {Latest(self.kind).name}"
