"""Library variable sets on the wire, and their values under `variables/variableset-...`."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.fields import text
from deployments.base.api.links import space_path
from deployments.base.api.parsers import fields_of
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.library.models import LibraryVariableSet
from deployments.library.queries import visible_variables
from deployments.library.services import (
    create_library_set,
    delete_library_set,
    replace_variables,
    update_library_set,
)
from deployments.library.services.reading import inputs_from_body
from deployments.library.values import document_of
from deployments.library.variable_templates import read_templates, template_resource
from deployments.projects.api.processes import read_version
from deployments.projects.api.variable_resource import (
    library_scope_values,
    set_resource,
)
from deployments.projects.api.variables import ValuesViewSet
from deployments.projects.models import Project
from deployments.projects.queries import projects_including


class LibraryVariableSetSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    description = text()
    content_type = serializers.ChoiceField(
        choices=LibraryVariableSet.Content.choices,
        default=LibraryVariableSet.Content.VARIABLES,
        write_only=True,
    )
    templates = serializers.ListField(child=serializers.DictField(), default=list, write_only=True)

    def to_representation(self, instance: LibraryVariableSet) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "ContentType": instance.content,
            "VariableSetId": f"variableset-{instance.public_id}",
            "Templates": [template_resource(each) for each in read_templates(instance.templates)],
        }

    def get_links(self, row: LibraryVariableSet) -> dict[str, str]:
        space = f"Spaces-{row.space_id}"
        path = space_path(space, "libraryvariablesets", row.public_id)
        return {
            "Self": path,
            "Variables": space_path(space, "variables", f"variableset-{row.public_id}"),
            "Usages": f"{path}/usages",
        }


class LibraryVariableSetViewSet(SpaceViewSet[LibraryVariableSet]):
    model = LibraryVariableSet
    serializer_class = LibraryVariableSetSerializer
    item_type = "LibraryVariableSet"
    path = "libraryvariablesets"
    view_permission = Permission.LibraryVariableSetView
    permission_map = {
        "list": Permission.LibraryVariableSetView,
        "all": Permission.LibraryVariableSetView,
        "retrieve": Permission.LibraryVariableSetView,
        "create": Permission.LibraryVariableSetCreate,
        "update": Permission.LibraryVariableSetEdit,
        "destroy": Permission.LibraryVariableSetDelete,
        "usages": Permission.LibraryVariableSetView,
    }

    def get_queryset(self) -> QuerySet[LibraryVariableSet]:
        rows = super().get_queryset()
        kind = self.query.text("contentType")
        return rows.filter(content__iexact=kind) if kind else rows

    def create_row(self, data: dict[str, Any]) -> LibraryVariableSet:
        content = data.pop("content_type")
        return create_library_set(actor=self.actor, space=self.space, content=content, **data)

    def update_row(self, row: LibraryVariableSet, data: dict[str, Any]) -> LibraryVariableSet:
        # What a set is for stays as it was created.
        del data["content_type"]
        return update_library_set(actor=self.actor, row=row, **data)

    def destroy_row(self, row: LibraryVariableSet) -> None:
        delete_library_set(actor=self.actor, row=row)

    def usages(self, request: Request, **ids: Any) -> Response:
        """Say which projects include the set, as far as the actor may see them."""
        row = self.get_object()
        seen = Project.objects.visible_to(self.actor, self.space, Permission.ProjectView)
        numbers = [project.pk for project in projects_including(row)]
        projects = [
            {
                "ProjectId": project.public_id,
                "ProjectName": project.name,
                "ProjectSlug": project.slug,
            }
            for project in seen.filter(pk__in=numbers)
        ]
        return Response({"Projects": projects, "Links": {}})


class LibraryVariablesViewSet(ValuesViewSet[LibraryVariableSet]):
    """The values of library sets; what of one is shown is decided value by value."""

    model = LibraryVariableSet
    serializer_class = LibraryVariableSetSerializer
    item_type = "VariableSet"
    path = "variables"
    view_permission = Permission.LibraryVariableSetView
    permission_map = {
        "retrieve": Permission.VariableView,
        "update": Permission.VariableEdit,
    }

    def find(self, rows: QuerySet[LibraryVariableSet], text: str) -> LibraryVariableSet | None:
        number = public_ids.parse(LibraryVariableSet.id_prefix, text.partition("-")[2])
        return rows.select_related("variable_set__space").filter(pk=number or 0).first()

    def retrieve(self, request: Request, **ids: Any) -> Response:
        return Response(self._resource(self.get_object()))

    def update(self, request: Request, **ids: Any) -> Response:
        """Replace the values by those of the body; each needs the permission to edit it."""
        row = self.get_object()
        body = fields_of(request.data)
        replace_variables(
            actor=self.actor,
            variable_set=row.values,
            variables=inputs_from_body(body.get("variables") or []),
            version=read_version(body),
        )
        return Response(self._resource(row))

    def _resource(self, row: LibraryVariableSet) -> dict[str, Any]:
        return set_resource(
            space_id=self.space.public_id,
            set_id=row.values.public_id,
            owner_id=row.public_id,
            version=row.values.version,
            variables=[document_of(each) for each in visible_variables(self.actor, row.values)],
            scope_values=library_scope_values(self.actor, self.space),
        )
