"""The tags that values, steps and channels may name; tenants, of the floor above, register them."""

from collections.abc import Callable

from deployments.base.models import Space

Tags = Callable[[Space], list[str]]
_sources: list[Tags] = []


def register_tenant_tags(tags: Tags) -> None:
    """Register how the canonical names of a space's tenant tags are read."""
    _sources.append(tags)


def tenant_tags_of(space: Space) -> list[str]:
    """Return the canonical names of the space's tenant tags, in their order."""
    return [name for tags in _sources for name in tags(space)]
