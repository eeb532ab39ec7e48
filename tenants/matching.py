"""Whom tags mean, and which targets take part in a deployment for a tenant; pure."""

from collections.abc import Collection, Iterable

from deployments.base.participation import Participation


def canonical_name(tag_set: str, tag: str) -> str:
    """Return the name of a tag outside its set."""
    return f"{tag_set}/{tag}"


def set_of(canonical: str) -> str:
    """Return the set's name of a canonical name; sets have no slash in their names."""
    return canonical.partition("/")[0]


def matches_tags(wanted: Iterable[str], carried: Iterable[str]) -> bool:
    """Whether the carried tags satisfy the wanted ones: one of each set named.

    Canonical names, in any case. Nothing wanted matches nobody.
    """
    own = {name.lower() for name in carried}
    by_set: dict[str, set[str]] = {}
    for name in wanted:
        by_set.setdefault(set_of(name).lower(), set()).add(name.lower())
    return bool(by_set) and all(own & names for names in by_set.values())


def is_chosen(
    tenant: str, carried: Collection[str], *, tenants: Collection[str], tags: Collection[str]
) -> bool:
    """Whether a tenant (public id) is among named tenants or those whom the tags mean."""
    return tenant.lower() in {text.lower() for text in tenants} or matches_tags(tags, carried)


def target_takes_part(
    participation: str,
    *,
    tenants: Collection[str],
    tags: Collection[str],
    tenant: str | None,
    carried: Collection[str] = (),
) -> bool:
    """Whether a target takes part in a deployment for the tenant, or for none.

    `tenants` and `tags` are the target's, `carried` the tenant's tags.
    """
    mode = Participation(participation)
    if tenant is None:
        return mode.allows_untenanted
    return mode.allows_tenants and is_chosen(tenant, carried, tenants=tenants, tags=tags)
