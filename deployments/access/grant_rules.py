"""What an actor may do in one space: the union of assignments, each the AND of its dimensions.

Pure: no SQL runs here; `q` only builds a filter.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from deployments.access.permissions import EXPLICIT_TENANT, Permission, dimensions
from deployments.access.reaches import Reach, joined
from deployments.base.errors import NotPermitted

Values = int | Iterable[int] | None


@dataclass(frozen=True)
class Assignment:
    """One role held by one team. An empty set of a dimension means all of it.

    `projects` holds the projects of `project_groups` as well, `tenants` those of `tenant_tags`;
    `limits_projects` says whether the two restrict at all (a group may be empty).
    """

    permissions: frozenset[str]
    projects: frozenset[int] = frozenset()
    project_groups: frozenset[int] = frozenset()
    environments: frozenset[int] = frozenset()
    tenants: frozenset[int] = frozenset()
    limits_projects: bool = False
    limits_environments: bool = False
    limits_tenants: bool = False
    tenant_tags: frozenset[str] = frozenset()

    @property
    def is_unlimited(self) -> bool:
        """Whether its permissions are held on whatever there is."""
        limits = self.limits_projects or self.limits_environments or self.limits_tenants
        return not limits and not self.project_groups


@dataclass(frozen=True)
class Grants:
    """All that an actor may do in a space, and at system level."""

    assignments: tuple[Assignment, ...] = ()
    system: frozenset[str] = frozenset()
    everything: bool = False

    def is_empty(self) -> bool:
        """Tell whether the actor has nothing to do in the space."""
        return not self.everything and not any(a.permissions for a in self.assignments)

    def allows_anywhere(self, permission: str) -> bool:
        """Tell whether some thing could exist on which the actor holds the permission."""
        return (
            self.everything
            or permission in self.system
            or any(permission in assignment.permissions for assignment in self.assignments)
        )

    def allows(
        self,
        permission: str,
        *,
        project: Values = None,
        project_group: Values = None,
        environment: Values = None,
        tenant: Values = None,
    ) -> bool:
        """Tell whether the actor holds the permission on a thing with these values.

        A dimension not given is one the thing has no value in, so a grant restricted there
        does not cover it. Of several values each must be covered.
        """
        if self.everything or permission in self._held_everywhere:
            return True
        combinations = product(
            _values(project), _values(project_group), _values(environment), _values(tenant)
        )
        return all(
            any(_covers(assignment, permission, *values) for assignment in self.assignments)
            for values in combinations
        )

    @cached_property
    def _held_everywhere(self) -> frozenset[str]:
        """Permissions that need no look at the thing: pages ask for thousands of things."""
        unlimited = (each.permissions for each in self.assignments if each.is_unlimited)
        return frozenset().union(*unlimited)

    def allows_system(self, permission: str) -> bool:
        """Tell whether the actor holds the permission at system level."""
        return self.everything or permission in self.system

    def require(
        self,
        permission: str,
        *,
        project: Values = None,
        project_group: Values = None,
        environment: Values = None,
        tenant: Values = None,
    ) -> None:
        """Raise NotPermitted, naming the permission, when `allows` says no."""
        if not self.allows(
            permission,
            project=project,
            project_group=project_group,
            environment=environment,
            tenant=tenant,
        ):
            raise NotPermitted(permission)

    def require_system(self, permission: str) -> None:
        """Raise NotPermitted when the actor lacks the permission at system level."""
        if not self.allows_system(permission):
            raise NotPermitted(permission)

    def q(self, permission: str, model: type[models.Model]) -> models.Q:
        """Return the filter for the rows on which the actor holds the permission."""
        if self.everything:
            return models.Q()
        held = [a for a in self.assignments if permission in a.permissions]
        rows = models.Q(pk__in=[])
        for reach in joined(_reach(assignment, permission) for assignment in held):
            part = _filter(reach, permission, model)
            if part == models.Q():
                return part
            rows |= part
        return rows


EVERYTHING = Grants(everything=True)


def _values(values: Values) -> list[int | None]:
    if values is None or isinstance(values, int):
        return [values]
    return list(values) or [None]


def _covers(
    assignment: Assignment,
    permission: str,
    project: int | None,
    group: int | None,
    environment: int | None,
    tenant: int | None,
) -> bool:
    if permission not in assignment.permissions:
        return False
    supported = dimensions(permission)
    if "project" in supported and assignment.limits_projects:
        in_group = group is not None and group in assignment.project_groups
        if project not in assignment.projects and not in_group:
            return False
    in_groups = not assignment.project_groups or group in assignment.project_groups
    in_environments = not assignment.limits_environments or environment in assignment.environments
    if "project_group" in supported and not in_groups:
        return False
    if "environment" in supported and not in_environments:
        return False
    if "tenant" in supported and assignment.limits_tenants:
        untenanted = tenant is None and permission not in EXPLICIT_TENANT
        return untenanted or tenant in assignment.tenants
    return True


def _reach(assignment: Assignment, permission: str) -> Reach:
    """Return projects (with groups whose projects are meant), groups, environments, tenants."""
    supported = dimensions(permission)
    groups = assignment.project_groups
    projects = {("project", number) for number in assignment.projects}
    projects |= {("project_group", number) for number in groups}
    return (
        frozenset(projects) if "project" in supported and assignment.limits_projects else None,
        groups if "project_group" in supported and groups else None,
        assignment.environments
        if "environment" in supported and assignment.limits_environments
        else None,
        assignment.tenants if "tenant" in supported and assignment.limits_tenants else None,
    )


def _filter(reach: Reach, permission: str, model: type[models.Model]) -> models.Q:
    paths: dict[str, str] = getattr(model, "scope_paths", {})
    projects, groups, environments, tenants = reach
    rows = models.Q()
    if projects is not None:
        rows &= _of_projects(model, paths, projects)
    if groups is not None:
        rows &= _among(model, paths.get("project_group"), groups)
    if environments is not None:
        rows &= _among(model, paths.get("environment"), environments)
    if tenants is not None:
        path = paths.get("tenant")
        theirs = _among(model, path, tenants)
        if permission not in EXPLICIT_TENANT:
            theirs = theirs | _without_any(model, path) if path else models.Q()
        rows &= theirs
    return rows


def _of_projects(
    model: type[models.Model], paths: Mapping[str, str], projects: Iterable[Any]
) -> models.Q:
    """Return the filter for rows of the projects.

    All projects of a group are among the numbers. So the group is asked for only where a row knows
    it by itself: reached through the project it would take a join that no index answers.
    """
    path, group_path = paths.get("project"), paths.get("project_group")
    rows = _among(model, path, {number for kind, number in projects if kind == "project"})
    if path is None or (group_path and "__" not in group_path):
        groups = {number for kind, number in projects if kind == "project_group"}
        rows |= _among(model, group_path, groups)
    return rows


def _among(model: type[models.Model], path: str | None, numbers: AbstractSet[Any]) -> models.Q:
    if not path or not numbers:
        return models.Q(pk__in=[])
    if _is_many(model, path):
        # A subquery, because a join would repeat a row that has several of the values.
        rows = model._base_manager.filter(**{f"{path}__in": sorted(numbers)})  # noqa: SLF001
        return models.Q(pk__in=rows.values("pk"))
    return models.Q(**{f"{path}__in": sorted(numbers)})


def _without_any(model: type[models.Model], path: str) -> models.Q:
    """Return the filter for rows that have no value in the dimension."""
    if not _is_many(model, path):
        return models.Q(**{f"{path}__isnull": True})
    # A subquery for the same reason as above.
    having = model._base_manager.filter(**{f"{path}__isnull": False})  # noqa: SLF001
    return ~models.Q(pk__in=having.values("pk"))


@cache
def _is_many(model: type[models.Model], path: str) -> bool:
    options: Any = model._meta  # noqa: SLF001
    for name in path.split("__"):
        try:
            field = options.get_field(name)
        except FieldDoesNotExist:  # `group_id` and `pk` are columns, not relations
            return False
        if field.many_to_many or field.one_to_many:
            return True
        if field.related_model is None:
            return False
        options = field.related_model._meta  # noqa: SLF001
    return False


def permissions_of(names: Iterable[str]) -> frozenset[str]:
    """Return the known permissions among the names (a role may outlive one)."""
    return _KNOWN.intersection(names)


_KNOWN: Final = frozenset(Permission.__members__)
