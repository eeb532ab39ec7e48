"""What the infrastructure's texts about tenants mean."""

from collections.abc import Sequence

from deployments.base.errors import Invalid
from deployments.base.models import Space
from tenants.models import Tenant
from tenants.queries import find_tenant, tags_of_space


def tenants_and_tags(
    space: Space, tenants: Sequence[str], tags: Sequence[str]
) -> tuple[list[int], list[str]]:
    """Return numbers and canonical names; raises Invalid for what does not exist."""
    rows = Tenant.objects.in_space(space)
    found = {text: find_tenant(rows, text) for text in tenants}
    known = tags_of_space(space) if tags else {}
    problems = {
        "TenantIds": [f"There is no tenant '{text}'." for text, row in found.items() if not row],
        "TenantTags": [
            f"There is no tenant tag '{text}'." for text in tags if _key(text) not in known
        ],
    }
    errors = {name: texts for name, texts in problems.items() if texts}
    if errors:
        raise Invalid(fields=errors)
    names = [known[_key(text)].canonical_name for text in tags]
    return sorted({row.pk for row in found.values() if row}), list(dict.fromkeys(names))


def _key(tag: str) -> str:
    return tag.strip().lower()
