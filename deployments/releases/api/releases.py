"""Releases: lists, one of them, creating in the classic way, changing, deleting."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.fields import PublicIdField, text
from deployments.base.api.links import space_path
from deployments.base.api.paging import cut, envelope
from deployments.base.api.query import Query
from deployments.base.api.serializers import ResourceSerializer
from deployments.base.errors import Invalid, NotFound
from deployments.base.finding import find_one
from deployments.projects.api.processes import project_of_path
from deployments.projects.api.projects import visible_projects
from deployments.projects.models import Channel
from deployments.releases.api.progressions import release_progression
from deployments.releases.api.resources import (
    FROZEN_CONTENTS,
    deployment_resource,
    release_resource,
)
from deployments.releases.availability import missing_of
from deployments.releases.models import Deployment, Release
from deployments.releases.selection import PackageSpec
from deployments.releases.services import (
    create_release,
    delete_release,
    update_release,
    update_variables_of_release,
)


class ReleaseSerializer(ResourceSerializer):
    version = serializers.CharField(max_length=349, default="", allow_blank=True)
    project_id = PublicIdField()
    channel_id = PublicIdField()
    release_notes = text(allow_null=True)
    selected_packages = serializers.ListField(
        child=serializers.DictField(), default=None, allow_null=True
    )
    custom_fields = serializers.DictField(default=None, allow_null=True)

    def to_representation(self, instance: Release) -> dict[str, Any]:
        return release_resource(instance)


class ReleaseViewSet(SpaceViewSet[Release]):
    """Releases of the space, of a project or of a channel (by names in the path)."""

    model = Release
    serializer_class = ReleaseSerializer
    item_type = "Release"
    path = "releases"
    name_field = "version"
    query_names = ("skip", "take", "ids", "searchByVersion")
    view_permission = Permission.ReleaseView
    permission_map = {
        "list": Permission.ReleaseView,
        "retrieve": Permission.ReleaseView,
        "create": Permission.ReleaseCreate,
        "update": Permission.ReleaseEdit,
        "destroy": Permission.ReleaseDelete,
        "progression": Permission.ReleaseView,
        "deployments": Permission.ReleaseView,
        "snapshot_variables": Permission.ReleaseEdit,
        "missing_packages": Permission.ReleaseView,
    }

    def get_queryset(self) -> QuerySet[Release]:
        rows = with_parts(super().get_queryset())
        if self.action == "list":
            rows = rows.defer(*FROZEN_CONTENTS)
        if project := self.kwargs.get("project"):
            rows = rows.filter(project=_number(project_of_path(self, project)))
        if channel := self.kwargs.get("channel"):
            number = public_ids.require(Channel.id_prefix, channel)
            if not Channel.objects.in_space(self.space).filter(pk=number).exists():
                raise NotFound
            rows = rows.filter(channel=number)
        return rows

    def filtered(self, rows: QuerySet[Release], query: Query) -> QuerySet[Release]:
        rows = super().filtered(rows, query)
        if wanted := query.text("searchByVersion"):
            rows = rows.filter(version_lower__contains=wanted.lower())
        return rows

    def find(self, rows: QuerySet[Release], text: str) -> Release | None:
        if "project" in self.kwargs:
            found = rows.filter(version_lower=text.lower()).first()
            if found is not None:
                return found
        number = public_ids.parse(Release.id_prefix, text)
        return rows.filter(pk=number).first() if number is not None else None

    def base_path(self) -> str:
        for name, kind in (("project", "projects"), ("channel", "channels")):
            if wanted := self.kwargs.get(name):
                return space_path(self.space, kind, wanted, "releases")
        return super().base_path()

    def create_row(self, data: dict[str, Any]) -> Release:
        project = find_one(
            visible_projects(self.actor, self.space), data["project_id"], field="ProjectId"
        )
        if not data["version"]:
            raise Invalid(fields={"Version": ["Version is required."]})
        channels = Channel.objects.in_space(self.space).filter(project=project)
        channel = data["channel_id"]
        row = create_release(
            actor=self.actor,
            project=project,
            version=data["version"],
            channel=find_one(channels, channel, field="ChannelId") if channel else None,
            selected_packages=exact_specs(data["selected_packages"] or ()),
            notes=data["release_notes"] or "",
            ignore_channel_rules=bool(self.query.flag("ignoreChannelRules")),
            custom_fields=data["custom_fields"],
        )
        return self._again(row)

    def update_row(self, row: Release, data: dict[str, Any]) -> Release:
        channels = Channel.objects.in_space(self.space).filter(project=row.project)
        channel = data["channel_id"]
        packages = data["selected_packages"]
        changed = update_release(
            actor=self.actor,
            release=row,
            version=data["version"],
            notes=data["release_notes"] or "",
            channel=find_one(channels, channel, field="ChannelId") if channel else None,
            selected_packages=exact_specs(packages) if packages else None,
            custom_fields=data["custom_fields"],
        )
        return self._again(changed)

    def destroy_row(self, row: Release) -> None:
        delete_release(actor=self.actor, release=row)

    def progression(self, request: Request, **ids: Any) -> Response:
        """Say where the release stands in its lifecycle."""
        return Response(release_progression(self.get_object(), self.actor))

    def deployments(self, request: Request, **ids: Any) -> Response:
        """List the release's deployments."""
        release = self.get_object()
        visible = Deployment.objects.visible_to(
            self.actor, self.space, Permission.DeploymentView
        ).filter(release=release)
        rows = visible.select_related("task", "environment", "release__process_snapshot")
        rows = rows.defer("release__process_snapshot__steps")
        page = cut(rows, self.query)
        return Response(
            envelope(
                page,
                [deployment_resource(row) for row in page.rows],
                item_type="Deployment",
                path=f"{self.base_path()}/{release.public_id}/deployments",
                query=self.query,
            )
        )

    def snapshot_variables(self, request: Request, **ids: Any) -> Response:
        """Take the project's variables as they are now."""
        row = update_variables_of_release(actor=self.actor, release=self.get_object())
        return self.answer(self._again(row))

    def missing_packages(self, request: Request, **ids: Any) -> Response:
        """List the selected packages that cannot be found any more."""
        missing = dict.fromkeys(
            (row.package_id, row.version) for row in missing_of(self.get_object())
        )
        return Response(
            {"Packages": [{"Id": package, "Version": version} for package, version in missing]}
        )

    def _again(self, row: Release) -> Release:
        found = with_parts(Release.objects.in_space(self.space)).filter(pk=row.pk).first()
        if found is None:
            raise NotFound
        return found


def with_parts(rows: QuerySet[Release]) -> QuerySet[Release]:
    """Return the rows with what their resource shows."""
    return rows.select_related(
        "process_snapshot",
        "variable_snapshot",
        "project__lifecycle",
        "project__variable_set",
        "channel__lifecycle",
        "channel__project__lifecycle",
        "space",
    ).prefetch_related("selected_packages")


def exact_specs(packages: Iterable[Mapping[str, Any]]) -> Sequence[PackageSpec]:
    """Read `SelectedPackages`; raises Invalid for an entry without action or version."""
    specs = []
    for entry in packages:
        fields = {str(name).lower(): value for name, value in entry.items()}
        action = fields.get("actionname") or fields.get("stepname")
        if not action or not fields.get("version"):
            raise Invalid(
                fields={"SelectedPackages": ["A selected package needs ActionName and Version."]}
            )
        reference = str(fields.get("packagereferencename") or "")
        specs.append(PackageSpec(str(action), reference, str(fields["version"]), is_exact=True))
    return specs


def _number(public_id: str) -> int:
    return int(public_id.rpartition("-")[2])
