"""Which tenants something is for; the floor of tenants registers how to find them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.participation import Participation

Lookup = Callable[[Space, Sequence[str], Sequence[str]], tuple[list[int], list[str]]]
Names = Callable[[Space, Sequence[int]], Mapping[int, str]]
_lookups: list[tuple[Lookup, Names]] = []


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The tenants (public ids, names or slugs) and tags that a target serves.

    An empty `participation` follows from them, as clients expect that do not know the word.
    """

    participation: str = ""
    tenants: Sequence[str] = ()
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FoundTenancy:
    """The same as rows have it."""

    participation: Participation
    tenants: Sequence[int]
    tags: Sequence[str]


def register_tenant_lookup(lookup: Lookup, names: Names) -> None:
    """Register how tenants become numbers and tags canonical names, and numbers names.

    The lookup raises Invalid for what does not exist.
    """
    _lookups.append((lookup, names))


def tenant_words(space: Space, tenants: Sequence[int]) -> list[str]:
    """Return the tenants as people type them: by name, else by public id."""
    known = {n: name for _, names in _lookups for n, name in names(space, tenants).items()}
    # A list is typed with commas between, so a name with one in it would come back as two.
    shown = ((number, known.get(number, "")) for number in tenants)
    return [name if name and "," not in name else f"Tenants-{n}" for n, name in shown]


def found_tenancy(space: Space, tenancy: Tenancy) -> FoundTenancy:
    """Return what the texts mean; raises Invalid."""
    tenants: list[int] = []
    tags: list[str] = []
    if tenancy.tenants or tenancy.tags:
        for lookup, _ in _lookups:
            tenants, tags = lookup(space, tenancy.tenants, tenancy.tags)
    usual = Participation.TENANTED if tenants or tags else Participation.UNTENANTED
    if tenancy.participation and tenancy.participation not in list(Participation):
        field = "TenantedDeploymentParticipation"
        raise Invalid(fields={field: [f"{field} must be one of {', '.join(Participation)}."]})
    return FoundTenancy(Participation(tenancy.participation or usual), tenants, tags)
