"""The values that a tenant fills in: a matrix of templates by environments for each project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.infrastructure.models import Environment
from deployments.library.models import LibraryVariableSet
from deployments.library.services.references import reference_choices
from deployments.library.variable_templates import SELECT, VariableTemplate, read_templates
from deployments.projects.models import Project
from tenants.models import FilledValue, Tenant, TenantCommonVariable
from tenants.queries import connections_of
from tenants.rights import CommonRights, CommonSet
from tenants.services.variables import CommonInput, ValueInput, set_common_values, set_values
from tenants.variables import CommonKey, common_values_of, templates_of, values_of
from tenants.web.frames import connected_projects, tenant_frame, tenant_of_page

_CLEAR: Final = "clear"
_ANSWERS: Final = (("True", "True"), ("False", "False"))


@dataclass(frozen=True, slots=True)
class ValueCell:
    """A place to fill in. `value` of a secret is never here, `has_value` tells of it.

    `instead` is what counts while it is empty. `choices` has what is stored, even if it is not
    offered any more, so that saving the others does not take it away.
    """

    environment: Environment | None
    name: str
    value: str = ""
    has_value: bool = False
    is_missing: bool = False
    may_edit: bool = False
    instead: str = ""
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Matrix:
    """The templates of a project, or of a library set, with a cell for each environment.

    Those of a library set begin with one for all environments.
    """

    owner: Project | LibraryVariableSet
    templates_path: str
    environments: Sequence[Environment]
    rows: Sequence[tuple[VariableTemplate, Sequence[ValueCell]]]
    may_edit: bool

    @property
    def is_common(self) -> bool:
        """Whether the values count in several projects."""
        return isinstance(self.owner, LibraryVariableSet)


@require_http_methods(["GET", "POST"])
@page(Permission.VariableView)
def tenant_variables(request: PageRequest, tenant: str) -> HttpResponse:
    """Show the values by project, and store those of one project's form."""
    row = tenant_of_page(request, tenant)
    if request.method == "GET":
        return _page(request, row)
    _, problems = attempt(lambda: _save(request, row))
    if problems:
        return _page(request, row, problems)
    messages.success(request, "The values were saved. They count from the next deployment on.")
    return go(request, f"tenants/{row.public_id}/variables")


@transaction.atomic
def _save(request: PageRequest, row: Tenant) -> None:
    own, common = _sent(request, row)
    set_values(actor=request.actor, tenant=row, values=own)
    set_common_values(actor=request.actor, tenant=row, values=common)


def _page(request: PageRequest, row: Tenant, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    matrices = _matrices(request, row)
    missing = sum(cell.is_missing for each in matrices for _, cells in each.rows for cell in cells)
    kinds = {template.kind for each in matrices for template, _ in each.rows}
    choices = reference_choices(request.actor, request.space, kinds)
    values = {
        **tenant_frame(request, row),
        "matrices": matrices,
        "missing": missing,
        "choices": choices,
        "chosen": {number: name for options in choices.values() for number, name in options},
    }
    return show(request, "tenants/tenant_variables.html", values, problems)


def _matrices(request: PageRequest, row: Tenant) -> list[Matrix]:
    stored = values_of(request.space, [row.pk])
    matrices = _common_matrices(request, row)
    for each in connected_projects(request, row):
        project = each.project
        templates = templates_of(project)
        places = [p for p in each.environments if _may(request, project, p, "VariableView")]
        if not templates or not places:
            continue
        editable = {p.pk for p in places if _may(request, project, p, "VariableEdit")}
        rows = [
            (
                template,
                [
                    _cell(
                        template,
                        stored.get((row.pk, project.pk, place.pk, template.id)),
                        place,
                        f"value:{project.pk}:{place.pk}:{template.id}",
                        may_edit=place.pk in editable,
                    )
                    for place in places
                ],
            )
            for template in templates
        ]
        path = f"projects/{project.public_id}/variables/templates"
        matrices.append(Matrix(project, path, places, rows, bool(editable)))
    return matrices


def _common_matrices(request: PageRequest, row: Tenant) -> list[Matrix]:
    connected = connections_of([row.pk])[row.pk]
    sets = CommonRights(request.actor, request.space).sets_of(row.pk, connected)
    if not sets:
        return []
    stored = common_values_of(request.space, [row.pk])
    named = Environment.objects.visible_to(
        request.actor, request.space, Permission.EnvironmentView
    ).in_bulk({at for each in sets for at in each.viewable})
    matrices = []
    for each in sets:
        library_set = each.library_set
        places = [named[at] for at in each.environments if at in each.viewable and at in named]
        if not each.may_view and not places:
            continue
        rows = [
            (template, _common_cells(row, each, template, places, stored))
            for template in read_templates(library_set.templates)
        ]
        path = f"projects/library/{library_set.public_id}/settings"
        may_edit = each.may_edit or bool(each.editable)
        matrices.append(Matrix(library_set, path, places, rows, may_edit))
    return matrices


def _common_cells(
    row: Tenant,
    common: CommonSet,
    template: VariableTemplate,
    places: Sequence[Environment],
    stored: Mapping[CommonKey, TenantCommonVariable],
) -> list[ValueCell]:
    """Return the cell for all environments, empty for who may not see it, then one for each."""
    number = common.library_set.pk
    of_all = stored.get((row.pk, number, None, template.id))
    everywhere = _cell(
        template,
        of_all if common.may_view else None,
        None,
        f"common:{number}:{template.id}",
        may_edit=common.may_edit,
        # Each environment says for itself what it lacks.
        is_required=False,
    )
    cells = [everywhere]
    for place in places:
        cell = _cell(
            template,
            stored.get((row.pk, number, place.pk, template.id)),
            place,
            f"common-in:{number}:{place.pk}:{template.id}",
            may_edit=place.pk in common.editable,
            is_required=of_all is None,
        )
        cells.append(replace(cell, instead=everywhere.value or cell.instead))
    return cells


def _cell(
    template: VariableTemplate,
    value: FilledValue | None,
    place: Environment | None,
    name: str,
    *,
    may_edit: bool,
    is_required: bool = True,
) -> ValueCell:
    text = value.value if value and not value.sealed_value else ""
    return ValueCell(
        environment=place,
        name=name,
        value=text,
        has_value=value is not None,
        is_missing=is_required and value is None and template.default is None,
        may_edit=may_edit,
        instead=template.default or "",
        choices=_choices(template, text),
    )


def _choices(template: VariableTemplate, stored: str) -> tuple[tuple[str, str], ...]:
    offered = {SELECT: template.options, "Checkbox": _ANSWERS}.get(template.control, ())
    if not offered or not stored or stored in dict(offered):
        return offered
    return *offered, (stored, stored)


def _sent(request: PageRequest, row: Tenant) -> tuple[list[ValueInput], list[CommonInput]]:
    """Return what the form changes: an empty field takes a value away, but keeps a secret."""
    own, common = [], []
    for matrix in _matrices(request, row):
        for template, cells in matrix.rows:
            for cell in cells:
                text = request.POST.get(cell.name)
                if text is None or not cell.may_edit:
                    continue
                is_cleared = f"{cell.name}:{_CLEAR}" in request.POST
                if template.is_sensitive and not text and not is_cleared:
                    continue
                value = _normal(text) or None
                if isinstance(matrix.owner, LibraryVariableSet):
                    entry = CommonInput(matrix.owner, template.id, value, cell.environment)
                    common.append(entry)
                elif cell.environment is not None:
                    own.append(ValueInput(matrix.owner, cell.environment, template.id, value))
    return own, common


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n")


def _may(request: PageRequest, project: Project, place: Environment, permission: str) -> bool:
    return request.grants.allows(
        permission, project=project.pk, project_group=project.group_id, environment=place.pk
    )
