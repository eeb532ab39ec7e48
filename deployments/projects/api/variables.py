"""The variables of projects on the wire: whole sets, their names and a preview of a scope."""

from typing import Any, TypeVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.parsers import fields_of
from deployments.base.errors import Invalid, NotFound, NotPermitted
from deployments.base.models import SpaceOwned
from deployments.infrastructure.models import Machine
from deployments.library.models import Variable, VariableSet
from deployments.library.queries import candidates_of, visible_variables
from deployments.library.scoping import ScopeContext, resolve_all
from deployments.library.services import replace_variables
from deployments.library.services.reading import inputs_from_body
from deployments.library.values import document_of, document_of_candidate
from deployments.projects.api.ids import project_number
from deployments.projects.api.processes import project_of_path, read_version
from deployments.projects.api.projects import ProjectSerializer
from deployments.projects.api.variable_resource import (
    scope_values,
    set_resource,
)
from deployments.projects.models import Project, Runbook
from deployments.projects.queries import included_sets, visible_runbooks
from deployments.projects.tenant_choices import TenantChoice, tenant_choices

S = TypeVar("S", bound=SpaceOwned)

_READING = (Permission.VariableView, Permission.VariableViewUnscoped)
_WRITING = (Permission.VariableEdit, Permission.VariableEditUnscoped)


class ValuesViewSet(SpaceViewSet[S]):
    """What of a set is shown or may be written is decided value by value."""

    def check(self, permission: Permission) -> None:
        either = _WRITING if permission in _WRITING else _READING
        if not any(self.grants.allows_anywhere(one) for one in either):
            if permission in _WRITING:
                self.get_object()  # 404 comes before 403
            raise NotPermitted(permission)

    def require_on(self, row: S, permission: Permission) -> None:
        """Leave it to the values: each has its own scope."""


class VariablesViewSet(ValuesViewSet[Project]):
    """Sets are found through their project; what of one is shown is decided value by value."""

    model = Project
    serializer_class = ProjectSerializer
    item_type = "VariableSet"
    path = "variables"
    view_permission = Permission.ProjectView
    permission_map = {
        "retrieve": Permission.VariableView,
        "update": Permission.VariableEdit,
        "many": Permission.VariableView,
        "names": Permission.VariableView,
        "preview": Permission.VariableView,
    }

    def get_queryset(self) -> QuerySet[Project]:
        return super().get_queryset().select_related("variable_set")

    def find(self, rows: QuerySet[Project], text: str) -> Project | None:
        number = project_number("variableset", text)
        return rows.filter(pk=number).first() if number else None

    def get_object(self) -> Project:
        if wanted := self.kwargs.get("project"):
            self.kwargs["id"] = f"variableset-{project_of_path(self, wanted)}"
        return super().get_object()

    def retrieve(self, request: Request, **ids: Any) -> Response:
        return Response(self._resource(self.get_object()))

    def update(self, request: Request, **ids: Any) -> Response:
        """Replace the set by the variables of the body."""
        project = self.get_object()
        body = fields_of(request.data)
        replace_variables(
            actor=self.actor,
            variable_set=_set_of(project),
            variables=inputs_from_body(body.get("variables") or []),
            version=read_version(body),
        )
        return Response(self._resource(project))

    def many(self, request: Request, **ids: Any) -> Response:
        """List several sets by their ids."""
        rows = self.get_queryset()
        if wanted := self.query.texts("ids"):
            numbers = [project_number("variableset", text) for text in wanted]
            rows = rows.filter(pk__in=[number for number in numbers if number])
        return Response([self._resource(row) for row in rows])

    def names(self, request: Request, **ids: Any) -> Response:
        """List the names of a project's variables, those of its library sets included."""
        rows = [row for _, rows in self._sources(self._asked_project()) for row in rows]
        return Response(sorted({row.name for row in rows}, key=str.lower))

    def preview(self, request: Request, **ids: Any) -> Response:
        """Answer with the values that win in the scope that the query describes.

        What the tenant filled in for the environment is among them.
        """
        project = self._asked_project()
        tenant = self._asked_tenant(project)
        variable_set = _set_of(project)
        sources = self._sources(project)
        documents = {
            (source, row.guid): document_of(row)
            for source, (_, rows) in enumerate(sources)
            for row in rows
        }
        candidates = [
            each
            for source, (owner, rows) in enumerate(sources)
            for each in candidates_of(rows, owner, source=source)
        ]
        number = public_ids.parse("Environments", self.query.text("environment"))
        filled = tenant.values(self.grants, number) if tenant and number else []
        of_tenant = {id(each) for each in filled}
        context = self._scope(project, tenant)
        winners = resolve_all([*candidates, *filled], context).values()
        chosen = [
            document_of_candidate(won) if id(won) in of_tenant else documents[won.source, won.id]
            for won in (winner.candidate for winner in winners)
        ]
        return Response(
            set_resource(
                space_id=self.space.public_id,
                set_id=variable_set.public_id,
                owner_id=project.public_id,
                version=variable_set.version,
                variables=sorted(chosen, key=lambda document: document["name"].lower()),
                scope_values=scope_values(self.actor, project),
            )
        )

    def _scope(self, project: Project, tenant: TenantChoice | None) -> ScopeContext:
        text = self.query.text
        owner = self._asked_runbook(project) or project
        roles = set(self.query.texts("role"))
        machines = Machine.objects.visible_to(self.actor, self.space, Permission.MachineView)
        number = public_ids.parse("Machines", text("machine"))
        machine = machines.filter(pk=number).first() if number is not None else None
        if machine is not None:
            roles |= set(machine.roles)
        return ScopeContext(
            environment=text("environment") or None,
            machine=machine.public_id if machine else None,
            roles=frozenset(roles),
            target_roles=frozenset(self.query.texts("role")),
            action=text("action") or None,
            # Runbooks have none.
            channel=text("channel") or None if owner is project else None,
            tenant=tenant.public_id if tenant else None,
            tenant_tags=tenant.tags() if tenant else frozenset(),
            process_owner=owner.public_id,
            project=project.public_id,
        )

    def _asked_tenant(self, project: Project) -> TenantChoice | None:
        wanted = self.query.text("tenant")
        if not wanted:
            return None
        for each in tenant_choices(self.actor, project):
            if each.public_id.lower() == wanted.lower():
                return each
        raise Invalid(f"The project has no tenant '{wanted[:100]}' that you may see.")

    def _asked_runbook(self, project: Project) -> Runbook | None:
        wanted = self.query.text("runbook")
        if not wanted:
            return None
        for row, _ in visible_runbooks(self.actor, project):
            if row.public_id.lower() == wanted.lower():
                return row
        raise Invalid(f"The project has no runbook '{wanted[:100]}' that you may see.")

    def _sources(self, project: Project) -> list[tuple[VariableSet, list[Variable]]]:
        """Return the project's set and those that it includes, each with what the actor sees."""
        sets = [_set_of(project), *(row.values for row in included_sets(project))]
        return [(each, visible_variables(self.actor, each)) for each in sets]

    def _asked_project(self) -> Project:
        self.kwargs["project"] = self.query.text("project")
        if not self.kwargs["project"]:
            raise NotFound
        return self.get_object()

    def _resource(self, project: Project) -> dict[str, Any]:
        variable_set = _set_of(project)
        rows = visible_variables(self.actor, variable_set)
        return set_resource(
            space_id=self.space.public_id,
            set_id=variable_set.public_id,
            owner_id=project.public_id,
            version=variable_set.version,
            variables=[document_of(row) for row in rows],
            scope_values=scope_values(self.actor, project),
        )


def _set_of(project: Project) -> VariableSet:
    if project.variable_set is None:
        raise NotFound
    return project.variable_set
