"""Channels on the wire."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agent.versions import (
    InvalidTagPattern,
    InvalidVersionRange,
    matches_tag,
    read_range,
    try_read_version,
)
from deployments.access.permissions import Permission
from deployments.base.api.fields import PublicIdField, RecordField, flag, text
from deployments.base.api.links import space_path
from deployments.base.api.parsers import fields_of
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import Invalid
from deployments.base.finding import find_one
from deployments.projects.api.below_project import BelowProjectViewSet
from deployments.projects.models import Channel, Lifecycle
from deployments.projects.services.channels import (
    ChannelInput,
    create_channel,
    delete_channel,
    update_channel,
)
from packages_feed.models import scheme_of

_LISTS = ("TenantTags", "GitReferenceRules", "GitResourceRules", "CustomFieldDefinitions")


class ChannelSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    slug = text()
    description = text()
    is_default = flag()
    project_id = PublicIdField()
    lifecycle_id = PublicIdField()
    rules = serializers.ListField(child=RecordField(), default=list)
    type = text(write_only=True)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in ("ProjectId", "LifecycleId"):
            fields[name].write_only = True
        return fields

    def to_representation(self, instance: Channel) -> dict[str, Any]:
        lifecycle = instance.lifecycle_id
        path = space_path(f"Spaces-{instance.space_id}", "channels", instance.public_id)
        return {
            **super().to_representation(instance),
            "ProjectId": f"Projects-{instance.project_id}",
            "LifecycleId": f"Lifecycles-{lifecycle}" if lifecycle else None,
            "Type": "Lifecycle",
            "Rules": [{**rule, "Links": {"Self": path}} for rule in instance.rules],
            **{name: list(instance.extra.get(name, [])) for name in _LISTS},
        }

    def get_links(self, row: Channel) -> dict[str, str]:
        space = f"Spaces-{row.space_id}"
        path = space_path(space, "channels", row.public_id)
        return {
            "Self": path,
            "Releases": f"{path}/releases{{?skip,take,searchByVersion}}",
            "Project": space_path(space, "projects", f"Projects-{row.project_id}"),
        }


class ChannelViewSet(BelowProjectViewSet[Channel]):
    """Channels of the space, or below a project its own."""

    model = Channel
    serializer_class = ChannelSerializer
    item_type = "Channel"
    path = "channels"
    below = "channels"
    view_permission = Permission.ProcessView
    permission_map = {
        "list": Permission.ProcessView,
        "all": Permission.ProcessView,
        "retrieve": Permission.ProcessView,
        "create": Permission.ProcessEdit,
        "update": Permission.ProcessEdit,
        "destroy": Permission.ProcessEdit,
        "test_rule": Permission.ProcessView,
    }

    def create_row(self, data: dict[str, Any]) -> Channel:
        project = self.project_for(data["project_id"])
        return create_channel(actor=self.actor, project=project, channel=self._input(data))

    def update_row(self, row: Channel, data: dict[str, Any]) -> Channel:
        return update_channel(actor=self.actor, row=row, channel=self._input(data))

    def destroy_row(self, row: Channel) -> None:
        delete_channel(actor=self.actor, row=row)

    def test_rule(self, request: Request, **ids: Any) -> Response:
        """Say whether a version satisfies a range and a pre-release tag.

        `feedType` says how both are read; `feetType` is how Octopus's own clients spell it.
        """
        fields = fields_of(request.data) if request.method == "POST" else {}

        def asked(name: str) -> str:
            return str(fields.get(name.lower()) or self.query.text(name))

        scheme = scheme_of(asked("feedType") or asked("feetType"))
        version = try_read_version(asked("version"), scheme)
        errors = [] if version else ["The version is not a version number."]
        in_range, has_tag = version is not None, version is not None
        try:
            if version and asked("versionRange"):
                in_range = read_range(asked("versionRange"), scheme).contains(version)
            if version:
                has_tag = matches_tag(version, asked("preReleaseTag"))
        except (InvalidVersionRange, InvalidTagPattern) as error:
            errors.append(str(error))
        return Response(
            {
                "SatisfiesVersionRange": in_range,
                "SatisfiesPreReleaseTag": has_tag,
                "IsValid": not errors and in_range and has_tag,
                "Errors": errors,
            }
        )

    def _input(self, data: dict[str, Any]) -> ChannelInput:
        if data["type"] not in {"", "Lifecycle"}:
            raise Invalid(fields={"Type": ["Only channels of the type Lifecycle can be made."]})
        lifecycle = None
        if data["lifecycle_id"]:
            lifecycles = Lifecycle.objects.in_space(self.space)
            lifecycle = find_one(lifecycles, data["lifecycle_id"], field="LifecycleId")
        body = fields_of(self.request.data)
        return ChannelInput(
            name=data["name"],
            slug=data["slug"],
            description=data["description"],
            is_default=data["is_default"],
            lifecycle=lifecycle,
            rules=data["rules"],
            extra={name: body[name.lower()] for name in _LISTS if body.get(name.lower())},
        )
