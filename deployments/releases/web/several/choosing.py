"""What the form of several places says: environments, tenants by name and by tag."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.http import QueryDict

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.infrastructure.models import Environment
from deployments.releases.models import Release
from deployments.releases.tenancy.standings import TenantStanding, standings
from deployments.releases.web.frames import visible_environments
from tenants.matching import is_chosen, set_of
from tenants.queries import tenanted_mode


@dataclass(frozen=True, slots=True)
class TagChoice:
    """A set of tags that tenants of the project carry, with those to choose."""

    name: str
    tags: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What may be chosen and what was, by the address or the form.

    `lanes` are the tenants that were chosen, None for nobody. Those whom the tags mean count only
    where they are connected; those that are named are told why not elsewhere.
    """

    environments: Sequence[Environment]
    places: Sequence[Environment]
    standings: Sequence[TenantStanding]
    named: frozenset[str]
    tags: tuple[str, ...]
    is_for_nobody: bool
    leaves_out: bool

    @property
    def lanes(self) -> list[tuple[Environment, TenantStanding | None]]:
        """Return the places in the order of environments and tenants."""
        found: list[tuple[Environment, TenantStanding | None]] = []
        for environment in self.places:
            if self.is_for_nobody:
                found.append((environment, None))
            found += [(environment, row) for row in self.standings if self._takes(row, environment)]
        return found

    def _takes(self, row: TenantStanding, environment: Environment) -> bool:
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
    def tenant_choices(self) -> list[tuple[TenantStanding, bool]]:
        """Return the tenants to choose by name and whether they are."""
        return [(row, row.tenant.public_id.lower() in self.named) for row in self.standings]


def chosen_of(request: PageRequest, release: Release, sent: QueryDict) -> Chosen:
    """Read the choice; names that the reader may not see mean nothing."""
    mode = tenanted_mode(release.project)
    environments = visible_environments(request)
    wanted = {text.lower() for text in sent.getlist("environment")}
    rows: list[TenantStanding] = []
    if mode.allows_tenants:
        rows = standings(release, request.actor, Permission.TenantView)
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
