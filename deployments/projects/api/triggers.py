"""Triggers on the wire."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from deployments.access.permissions import Permission
from deployments.base.api.fields import PublicIdField, RecordField, flag, text
from deployments.base.api.links import space_path
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import Invalid
from deployments.projects.api.below_project import BelowProjectViewSet
from deployments.projects.models import ProjectTrigger
from deployments.projects.services.triggers import (
    TriggerInput,
    create_trigger,
    delete_trigger,
    update_trigger,
)
from deployments.projects.triggers.filters import SCHEDULES

# What every part of a resource has on the wire, and parts of a trigger never fill.
_EMPTY: dict[str, Any] = {"Id": None, "LastModifiedOn": None, "LastModifiedBy": None, "Links": {}}


class TriggerSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    description = text()
    is_disabled = flag()
    project_id = PublicIdField()
    filter = RecordField()
    action = RecordField()

    def to_representation(self, instance: ProjectTrigger) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "ProjectId": f"Projects-{instance.project_id}",
            "Filter": {**instance.filter, **_EMPTY},
            "Action": {**instance.action, **_EMPTY},
        }

    def get_links(self, row: ProjectTrigger) -> dict[str, str]:
        space = f"Spaces-{row.space_id}"
        return {
            "Self": space_path(space, "projecttriggers", row.public_id),
            "Project": space_path(space, "projects", f"Projects-{row.project_id}"),
        }


class TriggerViewSet(BelowProjectViewSet[ProjectTrigger]):
    """Triggers of the space, or below a project its own."""

    model = ProjectTrigger
    serializer_class = TriggerSerializer
    item_type = "ProjectTrigger"
    path = "projecttriggers"
    below = "triggers"
    view_permission = Permission.TriggerView
    permission_map = {
        "list": Permission.TriggerView,
        "retrieve": Permission.TriggerView,
        "create": Permission.TriggerCreate,
        "update": Permission.TriggerEdit,
        "destroy": Permission.TriggerDelete,
    }

    def create_row(self, data: dict[str, Any]) -> ProjectTrigger:
        project = self.project_for(data["project_id"])
        return create_trigger(actor=self.actor, project=project, trigger=_input(data))

    def update_row(self, row: ProjectTrigger, data: dict[str, Any]) -> ProjectTrigger:
        if data["project_id"] not in {None, f"Projects-{row.project_id}"}:
            raise Invalid(fields={"ProjectId": ["A trigger stays in its project."]})
        return update_trigger(actor=self.actor, row=row, trigger=_input(data))

    def destroy_row(self, row: ProjectTrigger) -> None:
        delete_trigger(actor=self.actor, row=row)


class ScheduledTriggerViewSet(TriggerViewSet):
    """Scheduled triggers alone, under the name that some clients know them by."""

    path = "scheduledprojecttriggers"

    def get_queryset(self) -> "QuerySet[ProjectTrigger]":
        return super().get_queryset().filter(filter_type__in=SCHEDULES)


def _input(data: dict[str, Any]) -> TriggerInput:
    return TriggerInput(
        name=data["name"],
        filter=data["filter"],
        action=data["action"],
        description=data["description"],
        is_disabled=data["is_disabled"],
    )
