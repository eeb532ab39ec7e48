"""Triggers on the wire."""

from typing import Any, Final

from django.db.models import QuerySet
from rest_framework import serializers

from deployments.access.permissions import Permission
from deployments.base.api import paging
from deployments.base.api.fields import PublicIdField, RecordField, flag, text
from deployments.base.api.links import space_path
from deployments.base.api.query import Query
from deployments.base.api.secret_field import SecretField
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
from deployments.projects.triggers.filters import FILTERS, SCHEDULES
from deployments.projects.triggers.git_filter import GIT
from deployments.projects.triggers.project_filter import PROJECT

# This server's own: clients of Octopus refuse a whole list that has a filter they do not know.
_OWN: Final = frozenset({PROJECT})
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
            "Filter": {**instance.filter, **_EMPTY, **_secret(instance)},
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
    query_names = (*paging.STANDARD_NAMES, "filterTypes")
    permission_map = {
        "list": Permission.TriggerView,
        "retrieve": Permission.TriggerView,
        "create": Permission.TriggerCreate,
        "update": Permission.TriggerEdit,
        "destroy": Permission.TriggerDelete,
    }

    def get_queryset(self) -> "QuerySet[ProjectTrigger]":
        return super().get_queryset().select_related("repository")

    def filtered(
        self, rows: "QuerySet[ProjectTrigger]", query: Query
    ) -> "QuerySet[ProjectTrigger]":
        """Return those that `ids` or `filterTypes` name, else the kinds that every client knows."""
        rows, wanted = super().filtered(rows, query), query.texts("filterTypes")
        if unknown := [text for text in wanted if text not in FILTERS]:
            text = f"'{unknown[0]}' is not one of {', '.join(FILTERS)}."
            raise Invalid(fields={"FilterTypes": [text]})
        if wanted:
            return rows.filter(filter_type__in=wanted)
        return rows if query.texts("ids") else rows.exclude(filter_type__in=_OWN)

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


def _secret(row: ProjectTrigger) -> dict[str, Any]:
    """Return whether there is a password of the repository, where one may be."""
    if row.filter_type != GIT:
        return {}
    watched = getattr(row, "repository", None)
    return {"Password": {"HasValue": bool(watched and watched.sealed_password), "NewValue": None}}


def _password(sent: Any) -> str | None:
    """Return the password that a filter brings; None keeps the stored one. Raises Invalid."""
    try:
        return None if sent is None else SecretField().to_internal_value(sent)
    except serializers.ValidationError as error:
        raise Invalid(fields={"Password": ["A text is expected."]}) from error


def _input(data: dict[str, Any]) -> TriggerInput:
    return TriggerInput(
        name=data["name"],
        filter=data["filter"],
        action=data["action"],
        description=data["description"],
        is_disabled=data["is_disabled"],
        password=_password(data["filter"].get("Password")),
    )
