"""Choosing what one's own dashboard shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.infrastructure.models import Environment
from deployments.insights.models import DashboardConfiguration
from deployments.projects.models import Project, ProjectGroup
from tenants.models import Tenant
from tenants.queries import canonical_names

MOST_NAMED: Final = 1000


@dataclass(frozen=True, slots=True)
class ConfigurationInput:
    """What the dashboard shall show, by public id or name; a part without entries shows all."""

    project_groups: Sequence[str] = ()
    projects: Sequence[str] = ()
    environments: Sequence[str] = ()
    tenants: Sequence[str] = ()
    tenant_tags: Sequence[str] = ()
    project_limit: int | None = None


def configure_dashboard(
    *, actor: Actor, space: Space, configuration: ConfigurationInput
) -> DashboardConfiguration:
    """Keep what the actor's own dashboard shows. Raises Invalid for what the actor cannot see."""
    if actor.user_id is None:
        raise Invalid("Only users have a dashboard of their own.")
    limit = configuration.project_limit
    if limit is not None and not 1 <= limit <= MOST_NAMED:
        message = f"Leave it empty, or give a number from 1 to {MOST_NAMED}."
        raise Invalid(fields={"ProjectLimit": [message]})
    groups = ProjectGroup.objects.visible_to(actor, space, Permission.ProjectGroupView)
    projects = Project.objects.visible_to(actor, space, Permission.ProjectView)
    places = Environment.objects.visible_to(actor, space, Permission.EnvironmentView)
    tenants = Tenant.objects.visible_to(actor, space, Permission.TenantView)
    values = {
        "project_groups": _numbers("IncludedProjectGroupIds", groups, configuration.project_groups),
        "projects": _numbers("IncludedProjectIds", projects, configuration.projects),
        "environments": _numbers("IncludedEnvironmentIds", places, configuration.environments),
        "tenants": _numbers("IncludedTenantIds", tenants, configuration.tenants),
        "tenant_tags": _tags(space, configuration.tenant_tags),
        "project_limit": limit,
    }
    with transaction.atomic():
        row, _ = DashboardConfiguration.objects.in_space(space).update_or_create(
            user_id=actor.user_id, defaults=values, create_defaults={"space": space, **values}
        )
    return row


def _numbers(field: str, rows: "QuerySet[Any]", texts: Sequence[str]) -> list[int]:
    if len(texts) > MOST_NAMED:
        raise Invalid(fields={field: [f"At most {MOST_NAMED} may be named."]})
    if not texts:
        return []
    prefix: str = rows.model.id_prefix
    by_name = {name.lower(): number for number, name in rows.values_list("pk", "name")}
    known: set[int | None] = set(by_name.values())
    found: list[int | None] = []
    for text in texts:
        number = public_ids.parse(prefix, text)
        number = by_name.get(text.lower()) if number is None else number
        if number not in known:
            raise Invalid(fields={field: [f"There is no '{text}' that you may see."]})
        found.append(number)
    return [number for number in dict.fromkeys(found) if number is not None]


def _tags(space: Space, texts: Sequence[str]) -> list[str]:
    known = {name.lower(): name for name in canonical_names(space)} if texts else {}
    for text in texts:
        if text.lower() not in known:
            raise Invalid(fields={"IncludedTenantTags": [f"There is no tag '{text}'."]})
    return list(dict.fromkeys(known[text.lower()] for text in texts))
