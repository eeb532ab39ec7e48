"""What the pages of accounts and certificates share: where they may be used, and what uses them."""

from collections.abc import Iterable
from typing import Any

from deployments.access.permissions import Permission
from deployments.access.web.forms import words
from deployments.access.web.pages import PageRequest
from deployments.infrastructure.models import Environment
from deployments.library.models import Restricted
from deployments.library.queries import environment_numbers_of, tenant_numbers_of
from deployments.library.services import Restrictions
from deployments.library.tenancy import Tenancy, tenant_words
from deployments.library.uses import uses_of


def offered_environments(request: PageRequest, permission: Permission) -> list[Environment]:
    """Return the environments in which the person may do it."""
    rows = Environment.objects.visible_to(request.actor, request.space, Permission.EnvironmentView)
    return [row for row in rows if request.grants.allows(permission, environment=row.pk)]


def sent_restrictions(
    request: PageRequest, offered: Iterable[Environment], row: Restricted | None = None
) -> Restrictions:
    """Return where the form says that it may be used.

    Environments that the form did not offer stay, because the person may not change them.
    """
    sent = set(request.POST.getlist("environments"))
    shown = {each.pk: each.public_id for each in offered}
    stored = environment_numbers_of([row])[row.pk] if row else []
    kept = [number for number in stored if number not in shown]
    return Restrictions(
        [*kept, *(number for number, text in shown.items() if text in sent)],
        Tenancy(
            request.POST.get("participation", ""),
            words(request.POST.get("tenants", "")),
            words(request.POST.get("tenant_tags", "")),
        ),
    )


def restriction_values(
    request: PageRequest, row: Restricted | None, *, is_sent: bool
) -> dict[str, Any]:
    """Return what the form shows of it: as it was sent, else as it is stored."""
    if is_sent:
        return {
            "environments": request.POST.getlist("environments"),
            **{
                name: request.POST.get(name, "")
                for name in ("participation", "tenants", "tenant_tags")
            },
        }
    if row is None:
        return {"environments": [], "participation": "", "tenants": "", "tenant_tags": ""}
    numbers = environment_numbers_of([row])[row.pk]
    tenants = tenant_numbers_of([row])[row.pk]
    return {
        "environments": [f"Environments-{number}" for number in numbers],
        "participation": row.tenanted_participation,
        "tenants": ", ".join(tenant_words(request.space, tenants)),
        "tenant_tags": ", ".join(row.tenant_tags),
    }


def environment_names(request: PageRequest, rows: Iterable[Restricted]) -> dict[int, list[str]]:
    """Return, by row, the names of its environments that the person may see; two queries."""
    seen = Environment.objects.visible_to(request.actor, request.space, Permission.EnvironmentView)
    names = dict(seen.values_list("pk", "name"))
    return {
        number: [names[each] for each in environments if each in names]
        for number, environments in environment_numbers_of(rows).items()
    }


def uses_frame(request: PageRequest, row: Restricted) -> dict[str, Any]:
    """Return what uses the row: what the person may see, and how much more there is."""
    found = list(uses_of(request.actor, request.space, row.public_id))
    shown = {(use.path, use.words): use for use in found if use.is_visible}
    return {"uses": list(shown.values()), "hidden_uses": sum(not use.is_visible for use in found)}
