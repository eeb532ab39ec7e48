"""Variables may name only what there is and whoever writes them may see."""

from collections.abc import Iterable, Mapping

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.library.account_types import BY_VARIABLE_TYPE
from deployments.library.choices import registered_choices
from deployments.library.models import RESTRICTED, Account, Certificate, Restricted, Variable
from deployments.library.references import (
    CERTIFICATE,
    CHOSEN_TYPES,
    MISSING_ACCOUNTS,
    REFERENCE_TYPES,
    WORKER_POOL,
    is_archived,
    referenced,
    variable_type_of,
)


def require_references(actor: Actor, space: Space, variables: Iterable[Variable]) -> None:
    """Raise Invalid for a value that is the id of nothing that fits its type."""
    named = [row for row in variables if row.kind in CHOSEN_TYPES]
    problems = problems_of_references(
        actor, space, ((row.name, row.kind, row.value or "") for row in named if not _is_open(row))
    )
    if problems:
        raise Invalid(*problems)


def problems_of_references(
    actor: Actor, space: Space, named: Iterable[tuple[str, str, str]]
) -> list[str]:
    """Return what is wrong with values of such types: of each its name, type and value."""
    asked = list(named)
    ids = [value for _, kind, value in asked if kind in REFERENCE_TYPES]
    found = visible_references(actor, space, ids)
    asks_for_pools = any(kind == WORKER_POOL and value for _, kind, value in asked)
    pools = dict(registered_choices(actor, space, WORKER_POOL)) if asks_for_pools else {}
    return [
        problem
        for name, kind, value in asked
        if (
            problem := _problem(name, kind, value, found.get(value))
            if kind in REFERENCE_TYPES
            else _other_problem(name, kind, value, pools)
        )
    ]


def visible_references(actor: Actor, space: Space, ids: Iterable[str]) -> dict[str, Restricted]:
    """Return those of the rows that the actor may see, by public id."""
    found = referenced(space, ids)
    seen: set[str] = set()
    for model in RESTRICTED:
        numbers = [row.pk for row in found.values() if isinstance(row, model)]
        if numbers:
            rows = model.objects.visible_to(actor, space, view_permission(model))
            mine = rows.filter(pk__in=numbers).values_list("pk", flat=True)
            seen |= {f"{model.id_prefix}-{number}" for number in mine}
    return {public_id: row for public_id, row in found.items() if public_id in seen}


def reference_choices(
    actor: Actor, space: Space, kinds: Iterable[str]
) -> dict[str, list[tuple[str, str]]]:
    """Return what variables of the types may name that the actor may see: ids and names."""
    found: dict[str, list[tuple[str, str]]] = {
        kind: registered_choices(actor, space, kind) for kind in CHOSEN_TYPES & set(kinds)
    }
    types = [BY_VARIABLE_TYPE[kind].name for kind in found if kind in BY_VARIABLE_TYPE]
    if types:
        accounts = Account.objects.visible_to(actor, space, Permission.AccountView)
        for row in accounts.filter(account_type__in=types):
            found[row.type.variable_type].append((row.public_id, row.name))
    if CERTIFICATE in found:
        rows = Certificate.objects.visible_to(actor, space, Permission.CertificateView)
        live = rows.filter(archived=None).values_list("pk", "name")
        found[CERTIFICATE] += [(f"Certificates-{pk}", name) for pk, name in live]
    return found


def view_permission(model: type[Restricted]) -> Permission:
    """Return what it takes to see the rows of the model."""
    return Permission.AccountView if model is Account else Permission.CertificateView


def _is_open(row: Variable) -> bool:
    """Tell whether the value is left to whoever deploys."""
    return bool(row.prompt) and not row.value


def _other_problem(name: str, kind: str, value: str, pools: Mapping[str, str]) -> str:
    """Return what is wrong with a value that is no account or certificate; empty is allowed.

    Without a pool a step runs on the default one.
    """
    if not value or value in pools:
        return ""
    if kind in MISSING_ACCOUNTS:
        return f"{name}: this server has no accounts for variables of the type {kind}."
    return f"{name}: there is no worker pool '{value[:100]}' that you may see."


def _problem(name: str, kind: str, value: str, row: Restricted | None) -> str:
    what = "certificate" if kind == "Certificate" else "account"
    if not value:
        return f"{name}: choose the {what} that the variable names."
    if row is None:
        return f"{name}: there is no {what} '{value[:100]}' that you may see."
    if variable_type_of(row) != kind:
        return f"{name}: {row} is named by variables of the type {variable_type_of(row)}."
    if is_archived(row):
        return f"{name}: {row} is archived. Choose one that is in use."
    return ""
