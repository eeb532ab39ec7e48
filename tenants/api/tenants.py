"""Tenants on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.fields import PublicIdField, flag, text, texts
from deployments.base.api.links import space_path
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import Invalid, NotFound
from deployments.base.finding import find_all
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tenants.matching import matches_tags
from tenants.models import ProjectConnection, Tenant, TenantLogo
from tenants.queries import connections_of, tags_by_tenant, tenant_numbers_with_tags
from tenants.services import (
    TenantInput,
    clone_tenant,
    create_tenant,
    delete_tenant,
    update_tenant,
)
from tenants.services.logos import LARGEST, set_logo


class TenantSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    slug = text()
    description = text()
    is_disabled = flag()
    tenant_tags = texts()
    project_environments = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(), allow_null=True), default=dict
    )
    cloned_from_tenant_id = PublicIdField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known: dict[int, dict[str, Any]] = {}

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in ("TenantTags", "ProjectEnvironments", "ClonedFromTenantId"):
            fields[name].write_only = True
        return fields

    def to_representation(self, instance: Tenant) -> dict[str, Any]:
        cloned = instance.cloned_from_id
        return {
            **super().to_representation(instance),
            **self._parts(instance),
            "ClonedFromTenantId": public_ids.make("Tenants", cloned) if cloned else None,
        }

    def get_links(self, row: Tenant) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "tenants", row.public_id)
        # A plain path: clients ask for it without expanding a template.
        return {"Self": path, "Variables": f"{path}/variables", "Logo": f"{path}/logo"}

    def _parts(self, instance: Tenant) -> dict[str, Any]:
        """Return tags and connections, read for all rows of the answer at once."""
        if instance.pk not in self._known:
            rows = getattr(self.parent, "instance", None)
            several = rows if isinstance(rows, list | QuerySet) else [instance]
            numbers = [row.pk for row in several]
            tags, connections = tags_by_tenant(numbers), connections_of(numbers)
            projects, places = self._visible()
            for number in numbers:
                self._known[number] = {
                    "TenantTags": [tag.canonical_name for tag in tags[number]],
                    "ProjectEnvironments": {
                        f"Projects-{project}": [
                            f"Environments-{place}" for place in environments if place in places
                        ]
                        for project, environments in connections[number].items()
                        if project in projects
                    },
                }
        return self._known[instance.pk]

    def _visible(self) -> tuple[set[int], set[int]]:
        actor, space = self.context["actor"], self.context["space"]
        projects = Project.objects.visible_to(actor, space, Permission.ProjectView)
        places = Environment.objects.visible_to(actor, space, Permission.EnvironmentView)
        return (
            set(projects.order_by().values_list("pk", flat=True)),
            set(places.order_by().values_list("pk", flat=True)),
        )


class TenantViewSet(SpaceViewSet[Tenant]):
    model = Tenant
    serializer_class = TenantSerializer
    item_type = "Tenant"
    path = "tenants"
    query_names = (
        *("skip", "take", "ids", "partialName", "name", "tags", "projectId"),
        *("clonedFromTenantId", "isDisabled"),
    )
    view_permission = Permission.TenantView
    permission_map = {
        "list": Permission.TenantView,
        "all": Permission.TenantView,
        "retrieve": Permission.TenantView,
        "create": Permission.TenantCreate,
        "update": Permission.TenantEdit,
        "destroy": Permission.TenantDelete,
        "status": Permission.TenantView,
        "tag_test": Permission.TenantView,
        "logo": Permission.TenantView,
        "set_logo": Permission.TenantEdit,
    }

    def filtered(self, rows: QuerySet[Tenant], query: Query) -> QuerySet[Tenant]:
        rows = super().filtered(rows, query)
        if tags := query.texts("tags"):
            rows = rows.filter(pk__in=tenant_numbers_with_tags(self.space, tags))
        if project := query.text("projectId"):
            connected = ProjectConnection.objects.filter(
                project=public_ids.parse("Projects", project) or 0
            )
            rows = rows.filter(pk__in=connected.values("tenant"))
        if cloned := query.text("clonedFromTenantId"):
            rows = rows.filter(cloned_from=public_ids.parse("Tenants", cloned) or 0)
        disabled = query.flag("isDisabled")
        return rows if disabled is None else rows.filter(is_disabled=disabled)

    def create_row(self, data: dict[str, Any]) -> Tenant:
        if source := self.query.text("clone"):
            found = self.find(self.get_queryset(), source)
            if found is None:
                raise NotFound
            return clone_tenant(
                actor=self.actor,
                source=found,
                name=data["name"],
                description=data["description"],
                slug=data["slug"],
                is_disabled=data["is_disabled"],
            )
        return create_tenant(actor=self.actor, space=self.space, tenant=self._input(data))

    def update_row(self, row: Tenant, data: dict[str, Any]) -> Tenant:
        return update_tenant(actor=self.actor, row=row, tenant=self._input(data))

    def destroy_row(self, row: Tenant) -> None:
        delete_tenant(actor=self.actor, row=row)

    def status(self, request: Request, **ids: Any) -> Response:
        """Say whether there are tenants."""
        rows = self.get_queryset()
        return Response({"Enabled": rows.exists()})

    def tag_test(self, request: Request, **ids: Any) -> Response:
        """Say for each tenant whether the tags mean it, and which set's tag is missing."""
        rows = self.get_queryset()
        if wanted := self.query.texts("tenantIds"):
            rows = rows.filter(pk__in=self.numbers(wanted))
        tags = self.query.texts("tags")
        found = list(rows)
        carried = tags_by_tenant([row.pk for row in found])
        return Response(
            {
                row.public_id: _tested(tags, [tag.canonical_name for tag in carried[row.pk]])
                for row in found
            }
        )

    def logo(self, request: Request, **ids: Any) -> HttpResponseBase:
        """Answer with the picture, 404 when there is none."""
        logo = TenantLogo.objects.filter(tenant=self.get_object()).first()
        if logo is None:
            raise NotFound
        return HttpResponse(bytes(logo.content), content_type=logo.content_type)

    def set_logo(self, request: Request, **ids: Any) -> Response:
        """Take the picture of the body: a form's file, or the bytes themselves."""
        row = self.get_object()
        set_logo(actor=self.actor, tenant=row, content=_picture(request._request))  # noqa: SLF001
        return Response({})

    def _input(self, data: dict[str, Any]) -> TenantInput:
        return TenantInput(
            name=data["name"],
            description=data["description"],
            slug=data["slug"],
            is_disabled=data["is_disabled"],
            tags=data["tenant_tags"],
            connections=self._connections(data["project_environments"]),
        )

    def _connections(
        self, wanted: Mapping[str, Sequence[str] | None]
    ) -> dict[Project, list[Environment]]:
        projects = Project.objects.visible_to(self.actor, self.space, Permission.ProjectView)
        places = Environment.objects.visible_to(self.actor, self.space, Permission.EnvironmentView)
        named = find_all(projects, wanted, field="ProjectEnvironments")
        by_id = {row.public_id.lower(): row for row in places}
        for project in named:
            project.space = self.space
        found = {}
        texts = {key.lower(): value or [] for key, value in wanted.items()}
        for project in named:
            ids = texts[project.public_id.lower()]
            unknown = [text for text in ids if text.lower() not in by_id]
            if unknown:
                raise Invalid(
                    fields={"ProjectEnvironments": [f"There is no {text}." for text in unknown]}
                )
            found[project] = [by_id[text.lower()] for text in ids]
        return found


def _picture(request: HttpRequest) -> bytes:
    """Return the bytes of a form's first file, or of the body; one more than allowed at most."""
    if request.content_type == "multipart/form-data":
        file = next(iter(request.FILES.values()), None)
        return file.read(LARGEST + 1) if isinstance(file, UploadedFile) else b""
    return request.read(LARGEST + 1)


def _tested(tags: Sequence[str], carried: Sequence[str]) -> dict[str, Any]:
    missing = [tag for tag in tags if not matches_tags([tag], carried)]
    return {
        "IsMatched": matches_tags(tags, carried),
        "Reason": "",
        "MissingTags": missing,
    }
