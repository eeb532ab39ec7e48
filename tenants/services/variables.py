"""Filling in the values of a tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.secrets import secret_box
from deployments.infrastructure.models import Environment
from deployments.library.values import fingerprint
from deployments.projects.models import Project
from deployments.projects.variable_templates import VariableTemplate
from tenants.models import Tenant, TenantVariable
from tenants.queries import connections_of
from tenants.services.tenants import record_tenant
from tenants.variables import templates_of, values_of


@dataclass(frozen=True, slots=True)
class ValueInput:
    """A value as it shall be; None takes it away, so that the default counts again."""

    project: Project
    environment: Environment
    template: str
    value: str | None


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
            if _is_same(row, entry, template):
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
            label = f"{template.name} ({entry.project.name}, {entry.environment.name})"
            before[label] = _shown(row)
            after[label] = _shown(_store(tenant, entry, template, row))
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


def _template(entry: ValueInput) -> VariableTemplate:
    found = next((t for t in templates_of(entry.project) if t.id == entry.template), None)
    if found is None:
        raise Invalid(
            f"The project '{entry.project.name}' has no variable template '{entry.template}'."
        )
    return found


def _is_same(row: TenantVariable | None, entry: ValueInput, template: VariableTemplate) -> bool:
    if row is None or entry.value is None:
        return row is None and entry.value is None
    return not template.is_sensitive and row.sealed_value is None and row.value == entry.value


def _require_connected(
    tenant: Tenant, entry: ValueInput, environments: Sequence[int] | None
) -> None:
    if entry.value is not None and entry.environment.pk not in (environments or ()):
        raise Invalid(
            f"The tenant '{tenant.name}' is not connected to the environment"
            f" '{entry.environment.name}' in the project '{entry.project.name}'."
        )


def _store(
    tenant: Tenant, entry: ValueInput, template: VariableTemplate, row: TenantVariable | None
) -> TenantVariable | None:
    if entry.value is None:
        if row is not None:
            row.delete()
        return None
    row = row or TenantVariable(
        space=tenant.space,
        tenant=tenant,
        project=entry.project,
        environment=entry.environment,
        template=template.id,
    )
    if template.is_sensitive:
        row.value = ""
        row.sealed_value = secret_box().seal(entry.value, place=row.secret_place)
    else:
        row.value, row.sealed_value = entry.value, None
    row.save()
    return row


def _shown(row: TenantVariable | None) -> str | None:
    """Return what an event may show of a value."""
    if row is None:
        return None
    if row.sealed_value is None:
        return row.value
    opened = secret_box().open(bytes(row.sealed_value), place=row.secret_place)
    return fingerprint(opened.reveal())
