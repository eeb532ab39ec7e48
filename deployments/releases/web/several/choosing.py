"""What the form of several places says: environments, tenants by name and by tag."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from django.http import QueryDict

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.base.participation import Participation
from deployments.infrastructure.models import Environment
from deployments.releases.models import Release
from deployments.releases.tenancy.standings import TenantStanding, standings
from deployments.releases.web.frames import visible_environments
from tenants.matching import is_chosen, set_of
from tenants.models import Tenant
from tenants.queries import tenanted_mode


@dataclass(frozen=True, slots=True)
class TagChoice:
    """A set of tags that tenants of the project carry, with those to choose."""

    name: str
    tags: tuple[tuple[str, str, bool], ...]


class Connected(Protocol):
    """A tenant of the project with where it is connected and its tags."""

    @property
    def tenant(self) -> Tenant: ...
    @property
    def environments(self) -> frozenset[int]: ...
    @property
    def tags(self) -> tuple[str, ...]: ...


Row = TypeVar("Row", bound=Connected)


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Row]):
    """What may be chosen and what was, by the address or the form.

    `lanes` are the tenants that were chosen, None for nobody. Those whom the tags mean count only
    where they are connected; those that are named are told why not elsewhere.
    """

    environments: Sequence[Environment]
    places: Sequence[Environment]
    standings: Sequence[Row]
    named: frozenset[str]
    tags: tuple[str, ...]
    is_for_nobody: bool
    leaves_out: bool

    @property
    def lanes(self) -> list[tuple[Environment, Row | None]]:
        """Return the places in the order of environments and tenants."""
        found: list[tuple[Environment, Row | None]] = []
        for environment in self.places:
            if self.is_for_nobody:
                found.append((environment, None))
            found += [(environment, row) for row in self.standings if self._takes(row, environment)]
        return found

    def _takes(self, row: Row, environment: Environment) -> bool:
        tenant = row.tenant.public_id
        if tenant.lower() in self.named:
            return True
        return environment.pk in row.environments and is_chosen(
            tenant, row.tags, tenants=(), tags=self.tags
        )

    @property
    def tag_choices(self) -> list[TagChoice]:
        """Return the tags that the tenants of the project carry, by their sets."""
        carried = sorted({name for row in self.standings for name in row.tags}, key=str.lower)
        wanted = {name.lower() for name in self.tags}
        return [
            TagChoice(
                name,
                tuple((tag, tag.partition("/")[2], tag.lower() in wanted) for tag in members),
            )
            for name, members in groupby(carried, key=set_of)
        ]

    @property
    def tenant_choices(self) -> list[tuple[Row, bool]]:
        """Return the tenants to choose by name and whether they are."""
        return [(row, row.tenant.public_id.lower() in self.named) for row in self.standings]


def chosen_of(request: PageRequest, release: Release, sent: QueryDict) -> Chosen[TenantStanding]:
    """Read the choice; names that the reader may not see mean nothing."""
    mode = tenanted_mode(release.project)
    rows: list[TenantStanding] = []
    if mode.allows_tenants:
        rows = standings(release, request.actor, Permission.TenantView)
    return chosen_among(request, rows, mode, sent)


def chosen_among(
    request: PageRequest, rows: Sequence[Row], mode: Participation, sent: QueryDict
) -> Chosen[Row]:
    """Read the choice of environments and, among these rows, of tenants."""
    environments = visible_environments(request)
    wanted = {text.lower() for text in sent.getlist("environment")}
    return Chosen(
        environments=environments,
        places=[row for row in environments if wanted & {row.public_id.lower(), row.slug.lower()}],
        standings=rows,
        named=frozenset(
            row.tenant.public_id.lower()
            for row in rows
            if {row.tenant.public_id.lower(), row.tenant.slug.lower()}
            & {text.lower() for text in sent.getlist("tenant")}
        ),
        tags=tuple(sent.getlist("tenant_tag")),
        is_for_nobody=not mode.allows_tenants or bool(sent.get("nobody")),
        leaves_out=bool(sent.get("leave_out")),
    )
