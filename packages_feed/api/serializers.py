"""Packages and feeds on the wire; old and new property names side by side."""

from typing import Any, ClassVar

from rest_framework import serializers

from deployments.base.api import dates
from deployments.base.api.fields import text
from deployments.base.api.links import space_path, with_query
from deployments.base.api.secret_field import SecretField
from deployments.base.api.serializers import SpaceResourceSerializer
from packages_feed.build_links import told
from packages_feed.models import BuildInformation, Feed, PackageVersion
from packages_feed.sources.kinds import KINDS, S3


def package_resource(
    version: PackageVersion,
    feed_id: str,
    *,
    with_notes: bool = False,
    story: BuildInformation | None = None,
) -> dict[str, Any]:
    """Return one version as the package lists have it.

    `ReleaseNotes` is null unless asked for: one client reads a text there as a date.
    """
    own = space_path(f"Spaces-{version.space_id}", "packages", version.wire_id)
    return {
        "Id": version.wire_id,
        "SpaceId": f"Spaces-{version.space_id}",
        "PackageId": version.package_id,
        "NuGetPackageId": version.package_id,
        "FeedId": feed_id,
        "NuGetFeedId": feed_id,
        "Title": version.title or version.package_id,
        "Summary": version.metadata.get("summary") or None,
        "Description": version.description or None,
        "Version": version.version,
        "FileExtension": version.extension,
        "PackageSizeBytes": version.size,
        "Hash": version.sha1,
        "Published": dates.to_wire(version.published),
        "ReleaseNotes": version.metadata.get("release_notes") if with_notes else None,
        "PackageVersionBuildInformation": build_information_resource(story) if story else None,
        "Links": {
            "Self": own,
            "Raw": f"{own}/raw",
            "Notes": space_path(f"Spaces-{version.space_id}", "packages", "notes")
            + f"?packageIds={version.wire_id}",
        },
    }


def build_information_resource(row: BuildInformation) -> dict[str, Any]:
    """Return what was told about a version."""
    return {
        "Id": row.public_id,
        "SpaceId": f"Spaces-{row.space_id}",
        "PackageId": row.package_id,
        "Version": row.version,
        **told(row.document),
        "Created": dates.to_wire(row.created),
        "Links": {"Self": space_path(f"Spaces-{row.space_id}", "build-information", row.public_id)},
    }


def version_resource(
    version: PackageVersion, feed_id: str, *, with_notes: bool = False
) -> dict[str, Any]:
    """Return one version as the version lists of feeds have it."""
    return {
        "Id": version.wire_id,
        "PackageId": version.package_id,
        "FeedId": feed_id,
        "Title": version.title or version.package_id,
        "Version": version.version,
        "Published": dates.to_wire(version.published),
        "ReleaseNotes": version.metadata.get("release_notes") if with_notes else None,
        "SizeBytes": version.size,
        "Links": {
            "Self": space_path(f"Spaces-{version.space_id}", "packages", version.wire_id),
        },
    }


class FeedSerializer(SpaceResourceSerializer):
    """A feed; of the built-in one the name and its retention can be changed.

    `AccessKey` and `SecretKey` are user name and password by the names that S3 has for them.
    """

    name = serializers.CharField(max_length=200)
    slug = text(read_only=True)
    feed_type = serializers.CharField()
    feed_uri = text(source="uri")
    username = text()
    password = SecretField(source="sealed_password")
    access_key = text(write_only=True)
    secret_key = SecretField(write_only=True)
    registry_path = serializers.CharField(
        source="settings.RegistryPath", default="", allow_blank=True
    )
    region = serializers.CharField(source="settings.Region", default="", allow_blank=True)
    package_acquisition_location_options = serializers.SerializerMethodField()
    is_built_in_repo_sync_enabled = serializers.SerializerMethodField()
    delete_unreleased_packages_after_days = serializers.IntegerField(
        source="unused_days", required=False, allow_null=True
    )

    wire_names: ClassVar = {}

    def get_package_acquisition_location_options(self, row: Feed) -> list[str]:
        if not row.is_built_in and not KINDS[row.feed_type].is_fetched:
            return ["NotAcquired"]
        return ["Server"] if not row.is_built_in else ["Server", "ExecutionTarget"]

    def to_representation(self, row: Feed) -> dict[str, Any]:
        """Show what the kind of feed has, by the names that its clients know."""
        shown = super().to_representation(row)
        if row.is_built_in:
            hidden = ["FeedUri", "Username", "Password", "RegistryPath", "Region"]
        else:
            own = KINDS[row.feed_type].settings
            hidden = [name for name in ("RegistryPath", "Region") if name not in own]
            hidden += ["IsBuiltInRepoSyncEnabled", "DeleteUnreleasedPackagesAfterDays"]
        if row.feed_type == S3:
            shown["AccessKey"], shown["SecretKey"] = shown["Username"], shown["Password"]
        return {name: value for name, value in shown.items() if name not in hidden}

    def get_is_built_in_repo_sync_enabled(self, row: Feed) -> bool:
        return False

    def get_links(self, row: Feed) -> dict[str, str]:
        own = space_path(f"Spaces-{row.space_id}", "feeds", row.public_id)
        versions = with_query(
            f"{own}/packages/versions",
            "packageId",
            "take",
            "skip",
            "includePreRelease",
            "versionRange",
            "preReleaseTag",
            "filter",
            "includeReleaseNotes",
        )
        return {
            "Self": own,
            "SearchTemplate": with_query(
                f"{own}/packages",
                "packageId",
                "partialMatch",
                "includeMultipleVersions",
                "includeNotes",
                "includePreRelease",
                "versionRange",
                "preReleaseTag",
                "take",
            ),
            "SearchPackagesTemplate": with_query(f"{own}/packages/search", "term", "take", "skip"),
            "SearchPackageVersionsTemplate": versions,
            "VersionsTemplate": versions,
            "NotesTemplate": with_query(f"{own}/packages/notes", "packageId", "version"),
        }
