"""The values that a tenant fills in: for each project a matrix of templates by environments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.projects.variable_templates import VariableTemplate
from tenants.models import Tenant
from tenants.services.variables import ValueInput, set_values
from tenants.variables import templates_of, values_of
from tenants.web.frames import connected_projects, tenant_frame, tenant_of_page

_CLEAR: Final = "clear"


@dataclass(frozen=True, slots=True)
class ValueCell:
    """A place to fill in. `value` of a secret is never here, `has_value` tells of it."""

    environment: Environment
    name: str
    value: str = ""
    has_value: bool = False
    is_missing: bool = False
    may_edit: bool = False


@dataclass(frozen=True, slots=True)
class ProjectMatrix:
    """The templates of a project with a cell for each environment."""

    project: Project
    environments: Sequence[Environment]
    rows: Sequence[tuple[VariableTemplate, Sequence[ValueCell]]]
    may_edit: bool


@require_http_methods(["GET", "POST"])
@page(Permission.VariableView)
def tenant_variables(request: PageRequest, tenant: str) -> HttpResponse:
    """Show the values by project, and store those of one project's form."""
    row = tenant_of_page(request, tenant)
    if request.method == "GET":
        return _page(request, row)
    _, problems = attempt(
        lambda: set_values(actor=request.actor, tenant=row, values=_sent(request, row))
    )
    if problems:
        return _page(request, row, problems)
    messages.success(request, "The values were saved. They count from the next deployment on.")
    return go(request, f"tenants/{row.public_id}/variables")


def _page(request: PageRequest, row: Tenant, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    matrices = _matrices(request, row)
    missing = sum(cell.is_missing for each in matrices for _, cells in each.rows for cell in cells)
    values = {**tenant_frame(request, row), "matrices": matrices, "missing": missing}
    return show(request, "tenants/tenant_variables.html", values, problems)


def _matrices(request: PageRequest, row: Tenant) -> list[ProjectMatrix]:
    stored = values_of(request.space, [row.pk])
    matrices = []
    for each in connected_projects(request, row):
        project = each.project
        templates = templates_of(project)
        places = [p for p in each.environments if _may(request, project, p, "VariableView")]
        if not templates or not places:
            continue
        editable = {p.pk for p in places if _may(request, project, p, "VariableEdit")}
        rows = []
        for template in templates:
            cells = []
            for place in places:
                value = stored.get((row.pk, project.pk, place.pk, template.id))
                cells.append(
                    ValueCell(
                        environment=place,
                        name=_field(project, place, template),
                        value=value.value if value and not value.sealed_value else "",
                        has_value=value is not None,
                        is_missing=value is None and template.default is None,
                        may_edit=place.pk in editable,
                    )
                )
            rows.append((template, cells))
        matrices.append(ProjectMatrix(project, places, rows, bool(editable)))
    return matrices


def _sent(request: PageRequest, row: Tenant) -> list[ValueInput]:
    """Return what the form changes: an empty field takes a value away, but keeps a secret."""
    values = []
    for matrix in _matrices(request, row):
        for template, cells in matrix.rows:
            for cell in cells:
                text = request.POST.get(cell.name)
                if text is None or not cell.may_edit:
                    continue
                is_cleared = f"{cell.name}:{_CLEAR}" in request.POST
                if template.is_sensitive and not text and not is_cleared:
                    continue
                values.append(
                    ValueInput(matrix.project, cell.environment, template.id, _normal(text) or None)
                )
    return values


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n")


def _field(project: Project, place: Environment, template: VariableTemplate) -> str:
    return f"value:{project.pk}:{place.pk}:{template.id}"


def _may(request: PageRequest, project: Project, place: Environment, permission: str) -> bool:
    return request.grants.allows(
        permission, project=project.pk, project_group=project.group_id, environment=place.pk
    )
