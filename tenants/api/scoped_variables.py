"""The values of tenants as lists in which each value says in which environments it counts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.links import space_path
from deployments.base.api.parsers import fields_of
from deployments.base.errors import Invalid
from deployments.base.finding import find_all
from deployments.infrastructure.models import Environment
from deployments.library.models import LibraryVariableSet
from deployments.library.variable_templates import (
    VariableTemplate,
    read_templates,
    template_resource,
)
from deployments.projects.models import Project
from tenants.api.tenants import TenantSerializer
from tenants.api.variables import sent_value, shown_value
from tenants.models import FilledValue, Tenant
from tenants.queries import connections_of
from tenants.rights import CommonRights, CommonSet
from tenants.services.variables import CommonInput, ValueInput, set_common_values, set_values
from tenants.variables import common_values_of, missing_values, templates_of, values_of


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value that a client sent for one environment, or for all."""

    owner: str
    template: str
    place: Environment | None
    value: str | None
    stays: bool


class ScopedVariablesViewSet(SpaceViewSet[Tenant]):
    model = Tenant
    serializer_class = TenantSerializer
    item_type = "TenantVariable"
    path = "tenants"
    view_permission = Permission.TenantView
    permission_map = {
        "common": Permission.VariableView,
        "set_common": Permission.VariableEdit,
        "own": Permission.VariableView,
        "set_own": Permission.VariableEdit,
    }

    def require_on(self, row: Tenant, permission: Permission) -> None:
        """Leave it to each value's project and environment."""

    def common(self, request: Request, **ids: Any) -> Response:
        """Answer with the values of the templates of library sets."""
        tenant = self.get_object()
        stored = common_values_of(self.space, [tenant.pk])
        found = []
        for each in self._sets(tenant):
            of_all: list[int | None] = [None] if each.may_view else []
            places = [*of_all, *(at for at in each.environments if at in each.viewable)]
            for template in read_templates(each.library_set.templates):
                values = {
                    place: row
                    for place in places
                    if (row := stored.get((tenant.pk, each.library_set.pk, place, template.id)))
                }
                found += _resources(each.library_set, template, values)
        return self._answer(tenant, found, is_common=True)

    def own(self, request: Request, **ids: Any) -> Response:
        """Answer with the values of the templates of projects."""
        tenant = self.get_object()
        stored = values_of(self.space, [tenant.pk])
        found = []
        for project, places in self._connected(tenant):
            for template in templates_of(project):
                values = {
                    place: row
                    for place in places
                    if (row := stored.get((tenant.pk, project.pk, place, template.id)))
                }
                found += _resources(project, template, values)
        return self._answer(tenant, found, is_common=False)

    def set_common(self, request: Request, **ids: Any) -> Response:
        """Make these the values of library sets; what the actor does not see stays."""
        tenant = self.get_object()
        sets = {each.library_set.public_id.lower(): each for each in self._sets(tenant)}
        values = []
        named: set[tuple[int, int | None, str]] = set()
        for entry in self._entries(request.data, "LibraryVariableSetId"):
            each = _known(sets, entry.owner)
            place = entry.place.pk if entry.place else None
            _once(named, (each.library_set.pk, place, entry.template))
            if not entry.stays:
                row = each.library_set
                values.append(CommonInput(row, entry.template, entry.value, entry.place))
        values += self._left_out(tenant, sets.values(), named)
        set_common_values(actor=self.actor, tenant=tenant, values=values)
        return self.common(request, **ids)

    def set_own(self, request: Request, **ids: Any) -> Response:
        """Make these the values of projects; what the actor does not see stays."""
        tenant = self.get_object()
        connected = {row.public_id.lower(): (row, at) for row, at in self._connected(tenant)}
        values = []
        named: set[tuple[int, int | None, str]] = set()
        for entry in self._entries(request.data, "ProjectId"):
            project, _ = _known(connected, entry.owner)
            if entry.place is None:
                raise Invalid(fields={"Scope": ["A value of a project needs an environment."]})
            _once(named, (project.pk, entry.place.pk, entry.template))
            if not entry.stays:
                values.append(ValueInput(project, entry.place, entry.template, entry.value))
        stored = values_of(self.space, [tenant.pk])
        places = self._places().in_bulk({at for _, found in connected.values() for at in found})
        values += [
            ValueInput(project, places[at], template.id, None)
            for project, found in connected.values()
            for template in templates_of(project)
            for at in found
            if (project.pk, at, template.id) not in named and at in places
            if (tenant.pk, project.pk, at, template.id) in stored
        ]
        set_values(actor=self.actor, tenant=tenant, values=values)
        return self.own(request, **ids)

    def _left_out(
        self,
        tenant: Tenant,
        sets: Iterable[CommonSet],
        named: set[tuple[int, int | None, str]],
    ) -> Iterator[CommonInput]:
        stored = common_values_of(self.space, [tenant.pk])
        places: dict[int | None, Environment | None] = {**self._places().in_bulk(), None: None}
        for each in sets:
            row = each.library_set
            seen = [*each.viewable, *([None] if each.may_view else ())]
            for template in read_templates(row.templates):
                for at in seen:
                    is_left_out = (row.pk, at, template.id) not in named and at in places
                    if is_left_out and (tenant.pk, row.pk, at, template.id) in stored:
                        yield CommonInput(row, template.id, None, places[at])

    def _entries(self, data: Any, owner: str) -> list[_Entry]:
        sent = fields_of(data).get("variables")
        if not isinstance(sent, list):
            raise Invalid(fields={"Variables": ["A list is expected."]})
        found = []
        for entry in sent:
            fields = fields_of(entry)
            texts = [fields.get(owner.lower()), fields.get("templateid")]
            ids = fields_of(fields.get("scope") or {}).get("environmentids") or []
            if not all(isinstance(text, str) for text in texts) or not isinstance(ids, list):
                raise Invalid(fields={"Variables": [f"Each needs {owner}, TemplateId and Scope."]})
            value, stays = sent_value(str(texts[1]), fields.get("value"))
            places = find_all(self._places(), map(str, ids), field="EnvironmentIds")
            found += [
                _Entry(str(texts[0]), str(texts[1]), place, value, stays)
                for place in places or (None,)
            ]
        return found

    def _places(self) -> "QuerySet[Environment]":
        return Environment.objects.visible_to(self.actor, self.space, Permission.EnvironmentView)

    def _sets(self, tenant: Tenant) -> list[CommonSet]:
        connected = connections_of([tenant.pk])[tenant.pk]
        return CommonRights(self.actor, self.space).sets_of(tenant.pk, connected)

    def _projects(self) -> "QuerySet[Project]":
        rows = Project.objects.visible_to(self.actor, self.space, Permission.ProjectView)
        return rows.select_related("space")

    def _connected(self, tenant: Tenant) -> list[tuple[Project, list[int]]]:
        """Return the projects of the tenant with those environments whose values may be seen."""
        connected = connections_of([tenant.pk])[tenant.pk]
        projects = self._projects().in_bulk(connected)
        return [
            (
                projects[number],
                [
                    place
                    for place in places
                    if self.grants.allows(
                        Permission.VariableView,
                        project=number,
                        project_group=projects[number].group_id,
                        environment=place,
                    )
                ],
            )
            for number, places in connected.items()
            if number in projects
        ]

    def _answer(
        self, tenant: Tenant, found: Sequence[Mapping[str, Any]], *, is_common: bool
    ) -> Response:
        path = "commonvariables" if is_common else "projectvariables"
        body = {
            "TenantId": tenant.public_id,
            "SpaceId": self.space.public_id,
            "Variables": found,
            "Links": {"Self": space_path(self.space, "tenants", tenant.public_id, path)},
        }
        if self.query.flag("includeMissingVariables"):
            body["MissingVariables"] = self._missing(tenant, is_common=is_common)
        return Response(body)

    def _missing(self, tenant: Tenant, *, is_common: bool) -> list[dict[str, Any]]:
        projects = {row.pk: row for row in self._projects()}
        sets = {each.library_set.pk: each.library_set for each in self._sets(tenant)}
        places: dict[tuple[int, str], dict[int, None]] = {}
        templates: dict[tuple[int, str], VariableTemplate] = {}
        for each in missing_values(self.space, [tenant.pk], projects.values()):
            if (each.library_set is not None) == is_common:
                key = (each.library_set or each.project, each.template.id)
                places.setdefault(key, {})[each.environment] = None
                templates[key] = each.template
        return [
            _resource(
                sets[number] if is_common else projects[number], templates[number, name], found
            )
            for (number, name), found in places.items()
        ]


def _known(found: Mapping[str, Any], name: str) -> Any:
    if name.lower() not in found:
        raise Invalid(fields={"Variables": [f"There is no {name[:100]} here."]})
    return found[name.lower()]


def _once(named: set[tuple[int, int | None, str]], key: tuple[int, int | None, str]) -> None:
    if key in named:
        raise Invalid(fields={"Variables": [f"There are several values of '{key[2][:100]}'."]})
    named.add(key)


def _resources(
    owner: Project | LibraryVariableSet,
    template: VariableTemplate,
    values: Mapping[int | None, FilledValue] | Mapping[int, FilledValue],
) -> list[dict[str, Any]]:
    """Return the values; environments with the same text share an entry."""
    together: dict[tuple[bool, Any], list[tuple[int | None, FilledValue]]] = {}
    for place, row in values.items():
        text = row.pk if row.sealed_value is not None else row.value
        together.setdefault((place is None, text), []).append((place, row))
    return [
        {
            **_resource(owner, template, [at for at, _ in found if at is not None]),
            "Id": found[0][1].public_id,
            "Value": shown_value(found[0][1]),
        }
        for found in together.values()
    ]


def _resource(
    owner: Project | LibraryVariableSet, template: VariableTemplate, places: Iterable[int]
) -> dict[str, Any]:
    kind = "Project" if isinstance(owner, Project) else "LibraryVariableSet"
    return {
        "Id": None,
        f"{kind}Id": owner.public_id,
        f"{kind}Name": owner.name,
        "TemplateId": template.id,
        "Template": template_resource(template),
        "Value": None,
        "Scope": {"EnvironmentIds": [f"Environments-{place}" for place in places]},
    }
