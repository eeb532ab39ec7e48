"""The values of tenants on the wire."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.links import space_path
from deployments.base.api.parsers import fields_of
from deployments.base.errors import Invalid
from deployments.base.finding import find_all
from deployments.infrastructure.models import Environment
from deployments.library.variable_templates import (
    VariableTemplate,
    read_templates,
    template_resource,
)
from deployments.projects.models import Project
from tenants.api.tenants import TenantSerializer
from tenants.models import (
    FilledValue,
    ProjectConnection,
    Tenant,
    TenantCommonVariable,
    TenantVariable,
)
from tenants.queries import Connections, connections_of
from tenants.rights import CommonRights, CommonSet
from tenants.services.variables import CommonInput, ValueInput, set_common_values, set_values
from tenants.variables import (
    CommonKey,
    Key,
    common_values_of,
    missing_values,
    templates_of,
    values_of,
)


class TenantVariablesViewSet(SpaceViewSet[Tenant]):
    model = Tenant
    serializer_class = TenantSerializer
    item_type = "TenantVariable"
    path = "tenants"
    view_permission = Permission.TenantView
    permission_map = {
        "retrieve": Permission.VariableView,
        "update": Permission.VariableEdit,
        "missing": Permission.VariableView,
        "all": Permission.VariableView,
    }

    def require_on(self, row: Tenant, permission: Permission) -> None:
        """Leave it to each value's project and environment."""

    def retrieve(self, request: Request, **ids: Any) -> Response:
        """Answer with the values of one tenant."""
        return Response(self._resources([self.get_object()])[0])

    def all(self, request: Request, **ids: Any) -> Response:
        """Answer with the values of all tenants, of a project when one is named."""
        rows = self.get_queryset()
        if text := self.query.text("projectId"):
            number = public_ids.parse("Projects", text) or 0
            connected = ProjectConnection.objects.filter(project=number)
            rows = rows.filter(pk__in=connected.values("tenant"))
        return Response(self._resources(list(rows)))

    def update(self, request: Request, **ids: Any) -> Response:
        """Fill in the values of the body; of a project and environment it names, all of them."""
        tenant = self.get_object()
        values = list(self._sent(tenant, request.data))
        common = list(self._sent_common(tenant, request.data))
        with transaction.atomic():
            set_values(actor=self.actor, tenant=tenant, values=values)
            set_common_values(actor=self.actor, tenant=tenant, values=common)
        return self.retrieve(request, **ids)

    def missing(self, request: Request, **ids: Any) -> Response:
        """Say which values are neither filled in nor have a default."""
        rows = self.get_queryset()
        if text := self.query.text("tenantId"):
            rows = rows.filter(pk=public_ids.parse("Tenants", text) or 0)
        projects = self._projects()
        if text := self.query.text("projectId"):
            projects = projects.filter(pk=public_ids.parse("Projects", text) or 0)
        wanted = self.query.text("environmentId")
        found: dict[int, list[dict[str, Any]]] = {}
        for each in missing_values(self.space, [row.pk for row in rows], projects):
            environment = f"Environments-{each.environment}"
            if wanted and environment.lower() != wanted.lower():
                continue
            found.setdefault(each.tenant, []).append(
                {
                    "ProjectId": f"Projects-{each.project}",
                    "EnvironmentId": environment,
                    "VariableTemplateId": each.template.id,
                    "VariableTemplateName": each.template.name,
                    "LibraryVariableSetId": each.library_set
                    and f"LibraryVariableSets-{each.library_set}",
                    "Links": {},
                }
            )
        return Response(
            [
                {"TenantId": f"Tenants-{tenant}", "MissingVariables": entries, "Links": {}}
                for tenant, entries in found.items()
            ]
        )

    def _projects(self) -> QuerySet[Project]:
        rows = Project.objects.visible_to(self.actor, self.space, Permission.ProjectView)
        return rows.select_related("space")

    def _may_view(self, project: Project, environment: int) -> bool:
        return self.grants.allows(
            Permission.VariableView,
            project=project.pk,
            project_group=project.group_id,
            environment=environment,
        )

    def _resources(self, tenants: list[Tenant]) -> list[dict[str, Any]]:
        numbers = [row.pk for row in tenants]
        connections, stored = connections_of(numbers), values_of(self.space, numbers)
        projects = {row.pk: row for row in self._projects()}
        rights = CommonRights(self.actor, self.space)
        common = common_values_of(self.space, numbers)
        return [
            {
                "Id": f"TenantVariables-{row.pk}",
                "TenantId": row.public_id,
                "TenantName": row.name,
                "SpaceId": self.space.public_id,
                "LibraryVariables": {
                    each.library_set.public_id: _common_resource(row.pk, each, common)
                    for each in rights.sets_of(row.pk, connections[row.pk])
                },
                "ProjectVariables": self._of_projects(
                    row.pk, connections[row.pk], projects, stored
                ),
                "Links": {"Self": space_path(self.space, "tenants", row.public_id, "variables")},
            }
            for row in tenants
        ]

    def _of_projects(
        self,
        tenant: int,
        connections: Connections,
        projects: Mapping[int, Project],
        stored: Mapping[Key, TenantVariable],
    ) -> dict[str, Any]:
        found = {}
        for number, environments in connections.items():
            project = projects.get(number)
            if project is None:
                continue
            templates = templates_of(project)
            found[project.public_id] = {
                "ProjectId": project.public_id,
                "ProjectName": project.name,
                "Templates": [template_resource(template) for template in templates],
                "Variables": {
                    f"Environments-{place}": {
                        template.id: shown_value(row)
                        for template in templates
                        if (row := stored.get((tenant, number, place, template.id)))
                    }
                    for place in environments
                    if self._may_view(project, place)
                },
                "Links": {},
            }
        return found

    def _sent_common(self, tenant: Tenant, data: Any) -> Iterator[CommonInput]:
        named = fields_of(data).get("libraryvariables") or {}
        if not isinstance(named, Mapping):
            raise Invalid(fields={"LibraryVariables": ["An object is expected."]})
        rights = CommonRights(self.actor, self.space)
        sets = rights.sets_of(tenant.pk, connections_of([tenant.pk])[tenant.pk])
        by_id = {each.library_set.public_id.lower(): each for each in sets}
        for name, body in named.items():
            known = by_id.get(str(name).lower())
            given = fields_of(body).get("variables") or {}
            if known is None:
                raise Invalid(fields={"LibraryVariables": [f"There is no {name} here."]})
            if not isinstance(given, Mapping):
                raise Invalid(fields={"Variables": ["An object is expected."]})
            # A set that the actor may not change is sent back as it was read, without values.
            if known.may_edit or given:
                row = known.library_set
                for template, value in _changes(read_templates(row.templates), given):
                    yield CommonInput(row, template, value)

    def _sent(self, tenant: Tenant, data: Any) -> Iterator[ValueInput]:
        named = fields_of(data).get("projectvariables") or {}
        if not isinstance(named, Mapping):
            raise Invalid(fields={"ProjectVariables": ["An object is expected."]})
        places = Environment.objects.visible_to(self.actor, self.space, Permission.EnvironmentView)
        for project in find_all(self._projects(), map(str, named), field="ProjectVariables"):
            body = next(v for k, v in named.items() if str(k).lower() == project.public_id.lower())
            variables = fields_of(body).get("variables") or {}
            if not isinstance(variables, Mapping):
                raise Invalid(fields={"Variables": ["An object is expected."]})
            for place in find_all(places, map(str, variables), field="Variables"):
                given = next(
                    v for k, v in variables.items() if str(k).lower() == place.public_id.lower()
                )
                if not isinstance(given, Mapping):
                    raise Invalid(fields={"Variables": ["An object is expected."]})
                yield from _inputs(project, place, given)


def _inputs(project: Project, place: Environment, given: Mapping[str, Any]) -> Iterator[ValueInput]:
    for template, value in _changes(templates_of(project), given):
        yield ValueInput(project, place, template, value)


def _changes(
    templates: Iterable[VariableTemplate], given: Mapping[str, Any]
) -> Iterator[tuple[str, str | None]]:
    """Yield template and value: PUT replaces, so what is not given is taken away."""
    for name, sent in given.items():
        value, stays = sent_value(name, sent)
        if not stays:
            yield name, value
    for template in templates:
        if template.id not in given and not template.is_sensitive:
            yield template.id, None


def sent_value(name: str, sent: Any) -> tuple[str | None, bool]:
    """Return the value that a client sent, and whether it is a secret that stays as it is."""
    value = sent
    if isinstance(sent, Mapping):
        fields = {str(key).lower(): inner for key, inner in sent.items()}
        value = fields.get("newvalue")
        if value is None and fields.get("hasvalue"):
            return None, True
    if value is not None and not isinstance(value, str | int | float | bool):
        raise Invalid(fields={"Variables": [f"The value of '{name}' must be a text."]})
    return None if value in {None, ""} else str(value), False


def _common_resource(
    tenant: int, common: CommonSet, stored: Mapping[CommonKey, TenantCommonVariable]
) -> dict[str, Any]:
    row = common.library_set
    templates = read_templates(row.templates)
    return {
        "LibraryVariableSetId": row.public_id,
        "LibraryVariableSetName": row.name,
        "Templates": [template_resource(template) for template in templates],
        "Variables": {
            template.id: shown_value(found)
            for template in templates
            if common.may_view and (found := stored.get((tenant, row.pk, None, template.id)))
        },
        "Links": {},
    }


def shown_value(row: FilledValue) -> Any:
    """Return the value as clients may read it."""
    if row.sealed_value is not None:
        return {"HasValue": True, "NewValue": None, "Hint": None}
    return row.value
