"""Filling in the values of a tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base.actor import Actor
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.secrets import secret_box
from deployments.infrastructure.models import Environment
from deployments.library.models import LibraryVariableSet
from deployments.library.services.references import problems_of_references
from deployments.library.values import fingerprint
from deployments.library.variable_templates import VariableTemplate, read_templates
from deployments.projects.models import Project
from tenants.models import FilledValue, Tenant, TenantCommonVariable, TenantVariable
from tenants.queries import connections_of
from tenants.rights import CommonRights, CommonSet
from tenants.services.tenants import record_tenant
from tenants.variables import common_values_of, templates_of, values_of


@dataclass(frozen=True, slots=True)
class ValueInput:
    """A value as it shall be; None takes it away, so that the default counts again."""

    project: Project
    environment: Environment
    template: str
    value: str | None


@dataclass(frozen=True, slots=True)
class CommonInput:
    """A value of a library set's template as it shall be; None takes it away.

    With an environment it is the one that counts there.
    """

    library_set: LibraryVariableSet
    template: str
    value: str | None
    environment: Environment | None = None


def set_common_values(*, actor: Actor, tenant: Tenant, values: Sequence[CommonInput]) -> None:
    """Fill in common values of the tenant; those not named stay.

    They count in every project that includes the set, so each of those that the tenant is connected
    to (in the environment, for a value of one) must be the actor's to edit. Raises NotPermitted and
    Invalid.
    """
    require_on(actor, tenant, Permission.TenantView)
    with transaction.atomic():
        stored = common_values_of(tenant.space, [tenant.pk])
        connected = connections_of([tenant.pk])[tenant.pk]
        sets = CommonRights(actor, tenant.space).sets_of(tenant.pk, connected)
        known = {each.library_set.pk: each for each in sets}
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for entry in values:
            template = _common_template(entry)
            place = entry.environment
            key = (tenant.pk, entry.library_set.pk, place.pk if place else None, template.id)
            row = stored.get(key)
            if _is_same(row, entry.value, template):
                continue
            _require_common(tenant, entry, known.get(entry.library_set.pk), row)
            _require_fitting(actor, tenant, template, entry.value)
            there = f", {place.name}" if place else ""
            label = f"{template.name} ({entry.library_set.name}{there})"
            before[label] = _shown(row)
            fresh = TenantCommonVariable(
                space=tenant.space,
                tenant=tenant,
                library_set=entry.library_set,
                environment=place,
                template=template.id,
            )
            after[label] = _shown(_store(row or fresh, entry.value, template))
        if after:
            named = {entry.library_set.public_id: None for entry in values}
            record_tenant(
                actor,
                tenant,
                "Modified",
                "given other common values",
                before=before,
                after=after,
                related=named,
            )


def _require_common(
    tenant: Tenant, entry: CommonInput, known: CommonSet | None, row: FilledValue | None
) -> None:
    """Raise what stands against the change; a value may go where it counts no more."""
    if known is None:
        raise Invalid(
            f"No project of the tenant '{tenant.name}' includes the variable set"
            f" '{entry.library_set.name}'."
        )
    place = entry.environment
    if place is None or place.pk in known.environments:
        is_permitted = known.may_edit_in(place.pk if place else None)
    elif row is None or entry.value is not None:
        raise Invalid(
            f"No project of the tenant '{tenant.name}' that includes the variable set"
            f" '{entry.library_set.name}' is connected to the environment '{place.name}'."
        )
    else:
        is_permitted = known.may_edit
    if not is_permitted:
        raise NotPermitted(Permission.VariableEdit)


def set_values(*, actor: Actor, tenant: Tenant, values: Sequence[ValueInput]) -> None:
    """Fill in values of the tenant; those not named stay. Raises NotPermitted and Invalid."""
    require_on(actor, tenant, Permission.TenantView)
    with transaction.atomic():
        stored = values_of(tenant.space, [tenant.pk])
        connected = connections_of([tenant.pk])[tenant.pk]
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for entry in values:
            template = _template(entry)
            row = stored.get((tenant.pk, entry.project.pk, entry.environment.pk, template.id))
            if _is_same(row, entry.value, template):
                continue
            require(
                actor,
                tenant.space,
                Permission.VariableEdit,
                project=entry.project.pk,
                project_group=entry.project.group_id,
                environment=entry.environment.pk,
            )
            _require_connected(tenant, entry, connected.get(entry.project.pk))
            _require_fitting(actor, tenant, template, entry.value)
            label = f"{template.name} ({entry.project.name}, {entry.environment.name})"
            before[label] = _shown(row)
            fresh = TenantVariable(
                space=tenant.space,
                tenant=tenant,
                project=entry.project,
                environment=entry.environment,
                template=template.id,
            )
            after[label] = _shown(_store(row or fresh, entry.value, template))
        if after:
            projects = {entry.project.public_id: None for entry in values}
            record_tenant(
                actor,
                tenant,
                "Modified",
                "given other values",
                before=before,
                after=after,
                related=projects,
            )


def _require_fitting(
    actor: Actor, tenant: Tenant, template: VariableTemplate, value: str | None
) -> None:
    """Raise Invalid for no choice of the template, and for what the actor may not see."""
    if value is None:
        return
    if problems := template.problems_of(value):
        raise Invalid(*problems)
    if not template.is_reference:
        return
    named = [(template.words, template.kind, value)]
    if problems := problems_of_references(actor, tenant.space, named):
        raise Invalid(*problems)


def _template(entry: ValueInput) -> VariableTemplate:
    found = next((t for t in templates_of(entry.project) if t.id == entry.template), None)
    if found is None:
        raise Invalid(
            f"The project '{entry.project.name}' has no variable template '{entry.template}'."
        )
    return found


def _common_template(entry: CommonInput) -> VariableTemplate:
    templates = read_templates(entry.library_set.templates)
    found = next((t for t in templates if t.id == entry.template), None)
    if found is None:
        raise Invalid(
            f"The variable set '{entry.library_set.name}' has no template '{entry.template}'."
        )
    return found


def _is_same(row: FilledValue | None, value: str | None, template: VariableTemplate) -> bool:
    if row is None or value is None:
        return row is None and value is None
    return not template.is_sensitive and row.sealed_value is None and row.value == value


def _require_connected(
    tenant: Tenant, entry: ValueInput, environments: Sequence[int] | None
) -> None:
    if entry.value is not None and entry.environment.pk not in (environments or ()):
        raise Invalid(
            f"The tenant '{tenant.name}' is not connected to the environment"
            f" '{entry.environment.name}' in the project '{entry.project.name}'."
        )


def _store(row: FilledValue, value: str | None, template: VariableTemplate) -> FilledValue | None:
    if value is None:
        row.delete()
        return None
    if template.is_sensitive:
        row.value = ""
        row.sealed_value = secret_box().seal(value, place=row.secret_place)
    else:
        row.value, row.sealed_value = value, None
    row.save()
    return row


def _shown(row: FilledValue | None) -> str | None:
    """Return what an event may show of a value."""
    if row is None:
        return None
    if row.sealed_value is None:
        return row.value
    opened = secret_box().open(bytes(row.sealed_value), place=row.secret_place)
    return fingerprint(opened.reveal())
