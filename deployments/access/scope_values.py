"""What roles can be limited to, by name; the apps that own the rows say so."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.contrib.contenttypes.models import ContentType

from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.models import Space

Names = Callable[[Actor, Space], Mapping[str, str]]

# What one of a kind is called, and several.
NOUNS: Final = {
    "project": ("project", "projects"),
    "project_group": ("project group", "project groups"),
    "environment": ("environment", "environments"),
    "tenant": ("tenant", "tenants"),
    "tenant_tag": ("tenant tag", "tenant tags"),
}
KINDS: Final = tuple(NOUNS)
_sources: dict[str, Names] = {}
_models: dict[str, Any] = {}


def register_scope_values(kind: str, names: Names) -> None:
    """Register what `kind` can be limited to: names by public id, as far as the actor may see.

    The owner of the rows does this in its `ready()`.
    """
    _sources[kind] = names


def register_scope_model(kind: str, model: Any, permission: Permission) -> None:
    """Register an owned model with names, whose rows are seen by the permission."""
    register_scope_values(kind, _names_of(model, permission))
    _models[kind] = model


def content_types() -> dict[str, ContentType]:
    """Return the types of the objects on which permissions are given directly, by kind."""
    return {kind: ContentType.objects.get_for_model(model) for kind, model in _models.items()}


def _names_of(model: Any, permission: Permission) -> Names:
    """Return a source for an owned model with names."""

    def names(actor: Actor, space: Space) -> dict[str, str]:
        rows = model.objects.visible_to(actor, space, permission).values_list("pk", "name")
        return {public_ids.make(model.id_prefix, number): name for number, name in rows}

    return names


def visible_names(actor: Actor, space: Space, kinds: Iterable[str] = KINDS) -> "ScopeNames":
    """Return the names of what the actor may see; a query or two for each kind."""
    return ScopeNames(
        {kind: dict(_sources[kind](actor, space)) for kind in kinds if kind in _sources}
    )


class ScopeNames:
    """Names by kind and public id."""

    def __init__(self, names: Mapping[str, Mapping[str, str]]) -> None:
        self._names = names

    def of(self, kind: str) -> Mapping[str, str]:
        """Return the names of a kind by public id, in their order."""
        return self._names.get(kind, {})

    def canonical(self, kind: str, text: str) -> str | None:
        """Return the id as it is stored, whatever its case; None for what is not to be seen."""
        own = self.of(kind)
        if text in own:
            return text
        return next((key for key in own if key.lower() == text.lower()), None)
