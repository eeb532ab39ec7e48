"""Reads of variable sets."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from django.db.models import Q, QuerySet

from deployments.access.grants import Grants, load_grants
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.library.models import (
    RESTRICTED,
    Certificate,
    LibraryVariableSet,
    Restricted,
    Variable,
    VariableSet,
    variable_place,
)
from deployments.library.scoping import Candidate
from deployments.library.values import candidate_of, document_of

_PLACE: Final = "environment_links__environment_number"


def variables_of(variable_set: VariableSet, name: str | None = None) -> list[Variable]:
    """Return all variables of the set, or of a name in it, in order; for the server's own use."""
    found = Variable.objects.in_space(variable_set.space).filter(variable_set=variable_set)
    if name is not None:
        # Databases do not agree on what upper case is.
        known, wanted = found.order_by().values_list("pk", "name"), name.lower()
        found = found.filter(pk__in=[number for number, each in known if each.lower() == wanted])
    rows = list(found)
    for row in rows:
        row.variable_set = variable_set
    return rows


def visible_variables(
    actor: Actor, variable_set: VariableSet, name: str | None = None
) -> list[Variable]:
    """Return those variables of the set, or of a name in it, that the actor may see.

    One without environments needs VariableViewUnscoped; others VariableView in one of theirs.
    """
    is_visible = sight_of(actor, variable_set)
    return [row for row in variables_of(variable_set, name) if is_visible(row)]


def sight_of(actor: Actor, variable_set: VariableSet) -> Callable[[Variable], bool]:
    """Return what tells whether the actor may see a variable of the set."""
    grants = load_grants(actor, variable_set.space)

    @cache
    def may_view_in(environments: tuple[str, ...]) -> bool:
        # Thousands of values share a few scopes.
        return may_view(grants, {"Environment": list(environments)}, variable_set)

    return lambda row: may_view_in(tuple(row.scope.get("Environment", ())))


def visible_variable(actor: Actor, variable_set: VariableSet, guid: str) -> Variable | None:
    """Return one of `visible_variables` by its id, None when there is none."""
    rows = Variable.objects.in_space(variable_set.space).filter(variable_set=variable_set)
    row = rows.filter(guid=guid).first()
    if row is None:
        return None
    row.variable_set = variable_set
    grants = load_grants(actor, variable_set.space)
    return row if may_view(grants, row.scope, variable_set) else None


def candidates(variable_set: VariableSet, *, source: int = 0) -> list[Candidate]:
    """Return the set's variables for the resolver."""
    return candidates_of(variables_of(variable_set), variable_set, source=source)


def candidates_of(
    variables: Iterable[Variable], variable_set: VariableSet, *, source: int = 0
) -> list[Candidate]:
    """Return given variables of the set for the resolver."""
    return [
        candidate_of(
            document_of(row),
            position=row.position,
            place=variable_place(variable_set.public_id, row.guid),
            source=source,
        )
        for row in variables
    ]


def variables_naming(space: Space, dimension: str, value: str) -> list[Variable]:
    """Return the variables whose scope names the value (an id or a role) in the dimension."""
    rows = Variable.objects.in_space(space).exclude(scope={}).select_related("variable_set__space")
    wanted = value.lower()
    return [
        row
        for row in rows
        if any(entry.lower() == wanted for entry in row.scope.get(dimension, ()))
    ]


def environment_numbers_of(rows: Iterable[Restricted]) -> dict[int, list[int]]:
    """Return the environments that each of the rows (of one model) is for; one query."""
    return _linked(rows, "environment_links", "environment_number")


def tenant_numbers_of(rows: Iterable[Restricted]) -> dict[int, list[int]]:
    """Return the tenants that each of the rows (of one model) names; one query."""
    return _linked(rows, "tenant_links", "tenant_number")


def certificates_found(rows: "QuerySet[Certificate]", text: str) -> "QuerySet[Certificate]":
    """Return the certificates with the text in their name, subject, host names or thumbprint."""
    if not text:
        return rows
    return rows.filter(
        Q(name__icontains=text)
        | Q(facts__SubjectDistinguishedName__icontains=text)
        | Q(facts__SubjectAlternativeNames__icontains=text)
        | Q(thumbprint__icontains=text.replace(":", "").replace(" ", ""))
    )


def restricted_to_environment(space: Space, number: int) -> list[Restricted]:
    """Return the accounts and certificates that are for the environment, be it among others."""
    return [
        row
        for model in RESTRICTED
        for row in model.objects.in_space(space).filter(**{_PLACE: number})
    ]


def restricted_to_tag(space: Space, canonical: str) -> list[Restricted]:
    """Return the accounts and certificates for the tenants with this tag."""
    wanted = canonical.lower()
    return [
        row
        for model in RESTRICTED
        for row in model.objects.in_space(space).exclude(tenant_tags=[])
        if wanted in {str(name).lower() for name in row.tenant_tags}
    ]


def _linked(rows: Iterable[Restricted], relation: str, field: str) -> dict[int, list[int]]:
    owners = list(rows)
    found: dict[int, list[int]] = {row.pk: [] for row in owners}
    if owners:
        links: Any = getattr(owners[0], relation)
        pairs = links.model.objects.filter(owner__in=list(found)).order_by(field)
        for owner, number in pairs.values_list("owner_id", field):
            found[owner].append(number)
    return found


def project_number(variable_set: VariableSet) -> int | None:
    """Return the number of the project that owns the set, None for another owner."""
    return public_ids.parse("Projects", variable_set.owner_id)


def is_of_library(variable_set: VariableSet) -> bool:
    """Whether the set belongs to the library and not to a project."""
    return public_ids.parse(LibraryVariableSet.id_prefix, variable_set.owner_id) is not None


def may_view(grants: Grants, scope: dict[str, list[str]], variable_set: VariableSet) -> bool:
    """Whether a variable of this scope may be seen."""
    project = project_number(variable_set)
    environments = _environments(scope)
    if not environments:
        return grants.allows(Permission.VariableViewUnscoped, project=project)
    return any(
        grants.allows(Permission.VariableView, project=project, environment=number)
        for number in environments
    )


def may_edit(grants: Grants, scope: dict[str, list[str]], variable_set: VariableSet) -> bool:
    """Whether a variable of this scope may be written; needs every environment it names."""
    project = project_number(variable_set)
    environments = _environments(scope)
    if not environments:
        return grants.allows(Permission.VariableEditUnscoped, project=project)
    return all(
        grants.allows(Permission.VariableEdit, project=project, environment=number)
        for number in environments
    )


def _environments(scope: dict[str, list[str]]) -> list[int]:
    numbers = (public_ids.parse("Environments", text) for text in scope.get("Environment", ()))
    return [number for number in numbers if number is not None]
