"""Tenants that pages of a project let one choose; tenants, of the floor above, register them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from deployments.access.grants import Grants
from deployments.base.actor import Actor
from deployments.library.scoping import Candidate
from deployments.projects.models import Project


class TenantChoice(Protocol):
    """A tenant that is connected to the project and that the reader may see."""

    @property
    def public_id(self) -> str: ...

    @property
    def name(self) -> str: ...

    def tags(self) -> frozenset[str]:
        """Return the canonical names of its tags."""

    def values(self, grants: Grants, environment: int) -> list[Candidate]:
        """Return what it filled in for the environment; nothing where that may not be seen."""


Choices = Callable[[Actor, Project], Sequence[TenantChoice]]
_sources: list[Choices] = []


def register_tenant_choices(choices: Choices) -> None:
    """Register how the tenants of a project are read."""
    _sources.append(choices)


def tenant_choices(actor: Actor, project: Project) -> list[TenantChoice]:
    """Return the tenants to choose from, by name; none where the project takes none."""
    return [each for choices in _sources for each in choices(actor, project)]
