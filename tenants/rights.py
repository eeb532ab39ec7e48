"""Who may see and fill in common values of tenants, which count in several projects."""

from collections.abc import Mapping
from dataclasses import dataclass

from deployments.access.grants import load_grants
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.library.models import LibraryVariableSet
from deployments.projects.models import Project
from deployments.projects.queries import included_sets_of

Connected = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class CommonSet:
    """A library set that projects of a tenant include; what the actor may do with its values.

    `environments` are those in which they count; what may be done with those of one environment
    alone is in `viewable` and `editable`.
    """

    library_set: LibraryVariableSet
    may_view: bool
    may_edit: bool
    environments: tuple[int, ...] = ()
    viewable: frozenset[int] = frozenset()
    editable: frozenset[int] = frozenset()

    def may_edit_in(self, environment: int | None) -> bool:
        """Whether the value of the environment, or that of all, is the actor's to change."""
        return self.may_edit if environment is None else environment in self.editable


class CommonRights:
    """What an actor may do with common values; everything is read once, with two queries."""

    def __init__(self, actor: Actor, space: Space) -> None:
        self._grants = load_grants(actor, space)
        rows = Project.objects.in_space(space).only("id", "group_id", "extra", "space_id")
        self._projects = {row.pk: row for row in rows}
        self._sets = included_sets_of(space, self._projects.values())

    def sets_of(self, tenant: int, connected: Connected) -> list[CommonSet]:
        """Return the sets whose templates the tenant fills in, by name.

        A value counts wherever its set is included, so it needs the permission in every one of the
        projects and environments that the tenant is connected to; one for an environment, there.
        """
        places: dict[int, list[tuple[int, int]]] = {}
        sets: dict[int, LibraryVariableSet] = {}
        for project, environments in connected.items():
            for row in self._sets.get(project, ()):
                sets[row.pk] = row
                places.setdefault(row.pk, []).extend((project, each) for each in environments)
        return [
            self._common_set(row, tenant, places[row.pk])
            for row in sorted(sets.values(), key=lambda row: row.name.lower())
            if row.templates
        ]

    def _common_set(
        self, row: LibraryVariableSet, tenant: int, places: list[tuple[int, int]]
    ) -> CommonSet:
        found: dict[int, list[tuple[int, int]]] = {}
        for project, environment in places:
            found.setdefault(environment, []).append((project, environment))
        view, edit = Permission.VariableView, Permission.VariableEdit
        return CommonSet(
            row,
            may_view=self._holds(view, tenant, places),
            may_edit=self._holds(edit, tenant, places),
            environments=tuple(found),
            viewable=frozenset(at for at in found if self._holds(view, tenant, found[at])),
            editable=frozenset(at for at in found if self._holds(edit, tenant, found[at])),
        )

    def _holds(self, permission: Permission, tenant: int, places: list[tuple[int, int]]) -> bool:
        if not places:
            return self._grants.allows(permission, tenant=tenant)
        return all(
            self._grants.allows(
                permission,
                project=project,
                project_group=self._projects[project].group_id,
                environment=environment,
            )
            for project, environment in places
        )
