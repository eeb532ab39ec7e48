"""`releases/create/v1`: a release by names, as command-line clients ask for it."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import flag, text, texts
from deployments.base.api.serializers import ResourceSerializer
from deployments.base.errors import Invalid
from deployments.base.finding import find
from deployments.projects.api.projects import visible_projects
from deployments.projects.models import Project
from deployments.releases.models import Release
from deployments.releases.selection import InvalidPackageSpec, PackageSpec, parse_spec
from deployments.releases.services import create_release
from deployments.releases.services.channel_choice import resolve_channel


class CreateReleaseSerializer(ResourceSerializer):
    project_name = serializers.CharField()
    channel_name = text()
    release_version = text()
    package_version = text()
    packages = texts()
    package_prerelease = text()
    release_notes = text()
    ignore_if_already_exists = flag()
    ignore_channel_rules = flag()
    custom_fields = serializers.DictField(default=dict)


class CreateReleaseViewSet(SpaceViewSet[Release]):
    model = Release
    serializer_class = CreateReleaseSerializer
    item_type = "Release"
    path = "releases"
    view_permission = Permission.ReleaseView
    permission_map = {"create": Permission.ReleaseCreate}

    def create(self, request: Request, **ids: Any) -> Response:
        data = self.read()
        project = named_project(self, data["project_name"])
        row = create_release(
            actor=self.actor,
            project=project,
            version=data["release_version"],
            channel=resolve_channel(project, data["channel_name"])
            if data["channel_name"]
            else None,
            selected_packages=_specs(data["packages"]),
            package_version=data["package_version"],
            package_prerelease=data["package_prerelease"],
            notes=data["release_notes"],
            ignore_channel_rules=data["ignore_channel_rules"],
            ignore_if_exists=data["ignore_if_already_exists"],
            custom_fields={name: str(v) for name, v in data["custom_fields"].items()},
        )
        return Response(
            {
                "ReleaseId": row.public_id,
                "ReleaseVersion": row.version,
                "AutomaticallyDeployedEnvironments": "",
            },
            status=201,
        )


def named_project(view: SpaceViewSet[Any], text: str) -> Project:
    """Return the visible project by name, id or slug; raises Invalid."""
    project = find(visible_projects(view.actor, view.space), text)
    if project is None:
        raise Invalid(
            fields={"ProjectName": [f"The project '{text}' does not exist or you may not see it."]}
        )
    return project


def _specs(texts: list[str]) -> list[PackageSpec]:
    try:
        return [parse_spec(text) for text in texts if text.strip()]
    except InvalidPackageSpec as error:
        raise Invalid(fields={"Packages": [str(error)]}) from error
