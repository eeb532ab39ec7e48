"""Reads of tenants."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.finding import find
from deployments.base.models import Space
from deployments.base.participation import Participation
from deployments.infrastructure.models import Environment, Machine
from deployments.infrastructure.queries import tenant_numbers_of_machines
from deployments.projects.models import Channel, Project
from deployments.projects.queries import lifecycle_of, phases_of_many
from deployments.projects.runbook_tags import RunbookTag, RunbookTagSet
from deployments.projects.settings import participation_of
from tenants.matching import is_chosen, matches_tags, target_takes_part
from tenants.models import ConnectedEnvironment, ProjectConnection, Tag, TagSet, Tenant, TenantTag

Connections = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class TenantScope:
    """A tenant as deployments need it. `tags` are canonical names."""

    number: int
    name: str
    tags: tuple[str, ...] = ()

    @property
    def public_id(self) -> str:
        return public_ids.make(Tenant.id_prefix, self.number)


def tag_sets_of(space: Space) -> QuerySet[TagSet]:
    """Return all tag sets in their order."""
    return TagSet.objects.in_space(space).prefetch_related("tags")


def tenant_tag_sets(space: Space) -> QuerySet[TagSet]:
    """Return the tag sets for tenants in their order."""
    return tag_sets_of(space).filter(for_tenants=True)


def runbook_tag_sets(space: Space) -> list[RunbookTagSet]:
    """Return the tag sets for runbooks in their order."""
    return [
        RunbookTagSet(
            row.name,
            row.kind == TagSet.Kind.SINGLE_SELECT,
            tuple(RunbookTag(tag.name, f"{row.name}/{tag.name}", tag.color) for tag in tags),
        )
        for row in tag_sets_of(space).filter(for_runbooks=True)
        for tags in [row.tags.all()]
    ]


def tags_of_space(space: Space) -> dict[str, Tag]:
    """Return every tag for tenants by its canonical name in lower case, in the order of sets."""
    rows = Tag.objects.filter(tag_set__space=space, tag_set__for_tenants=True)
    rows = rows.select_related("tag_set")
    ordered = rows.order_by("tag_set__sort_order", "tag_set__name", "sort_order", "name")
    return {row.canonical_name.lower(): row for row in ordered}


def canonical_names(space: Space) -> list[str]:
    """Return the canonical names of all tags for tenants, in the order of sets and tags."""
    return [tag.canonical_name for tag in tags_of_space(space).values()]


def visible_tags(actor: Actor, space: Space) -> dict[str, str]:
    """Return the names of all tags; whoever sees the space sees them."""
    return {name: name for name in canonical_names(space)}


def tags_by_tenant(tenants: Collection[int]) -> dict[int, list[Tag]]:
    """Return the tags that each tenant carries, in the order of sets and tags; one query."""
    found: dict[int, list[Tag]] = {number: [] for number in tenants}
    rows = TenantTag.objects.filter(tenant__in=found).select_related("tag__tag_set")
    for row in rows.order_by(
        "tag__tag_set__sort_order", "tag__tag_set__name", "tag__sort_order", "tag__name"
    ):
        found[row.tenant_id].append(row.tag)
    return found


def tag_names(tenant: Tenant) -> tuple[str, ...]:
    """Return the canonical names of the tenant's tags."""
    return tuple(tag.canonical_name for tag in tags_by_tenant([tenant.pk])[tenant.pk])


def tenant_scope(tenant: Tenant | None) -> TenantScope | None:
    """Return the tenant as deployments need it."""
    return None if tenant is None else TenantScope(tenant.pk, tenant.name, tag_names(tenant))


def tenant_of(space: Space, number: int | None) -> Tenant | None:
    """Return the tenant of a deployment or task."""
    if number is None:
        return None
    row = Tenant.objects.in_space(space).filter(pk=number).first()
    if row is not None:
        row.space = space
    return row


def tenant_names(space: Space, numbers: Iterable[int | None]) -> dict[int, str]:
    """Return names by number, for lists of deployments; one query, none without numbers."""
    wanted = {number for number in numbers if number is not None}
    if not wanted:
        return {}
    rows = Tenant.objects.in_space(space).filter(pk__in=wanted)
    return dict(rows.order_by().values_list("pk", "name"))


def find_tenant(rows: QuerySet[Tenant], text: str) -> Tenant | None:
    """Return the tenant by public id, name or slug, ignoring case."""
    return find(rows, text)


def tenant_numbers_with_tags(space: Space, tags: Collection[str]) -> frozenset[int]:
    """Return the tenants whom the tags mean: OR within a set, AND across sets."""
    carried: dict[int, list[str]] = {}
    rows = TenantTag.objects.filter(tenant__space=space)
    for number, tag_set, tag in rows.values_list("tenant_id", "tag__tag_set__name", "tag__name"):
        carried.setdefault(number, []).append(f"{tag_set}/{tag}")
    return frozenset(number for number, own in carried.items() if matches_tags(tags, own))


def chosen_tenants(
    rows: QuerySet[Tenant], space: Space, *, tenants: Collection[str], tags: Collection[str]
) -> list[Tenant]:
    """Return those of the rows that are named (public ids) or whom the tags mean, by name."""
    found = list(rows)
    carried = tags_by_tenant([row.pk for row in found])
    for row in found:
        row.space = space
    return [
        row
        for row in found
        if is_chosen(
            row.public_id,
            [tag.canonical_name for tag in carried[row.pk]],
            tenants=tenants,
            tags=tags,
        )
    ]


def connections_of(
    tenants: Collection[int], *, projects: Collection[int] | None = None
) -> dict[int, Connections]:
    """Return, by tenant, the environments of each project that it is connected to; two queries.

    With `projects`, numbers, only connections to these.
    """
    found: dict[int, Connections] = {number: {} for number in tenants}
    rows = ProjectConnection.objects.filter(tenant__in=found)
    links = ConnectedEnvironment.objects.filter(connection__tenant__in=found)
    if projects is not None:
        rows = rows.filter(project__in=projects)
        links = links.filter(connection__project__in=projects)
    rows = rows.order_by("project__name", "id")
    connections = list(rows.values_list("pk", "tenant_id", "project_id"))
    places: dict[int, list[int]] = {number: [] for number, _, _ in connections}
    for connection, environment in links.order_by(
        "environment__sort_order", "environment_id"
    ).values_list("connection_id", "environment_id"):
        places[connection].append(environment)
    for number, tenant, project in connections:
        found[tenant][project] = tuple(places[number])
    return found


def connected_environments(project: Project) -> dict[int, frozenset[int]]:
    """Return the environments that each connected tenant has in the project; one query."""
    found: dict[int, set[int]] = {}
    rows = ProjectConnection.objects.filter(project=project)
    for tenant, environment in rows.values_list("tenant_id", "environments"):
        found.setdefault(tenant, set())
        if environment is not None:
            found[tenant].add(environment)
    return {tenant: frozenset(environments) for tenant, environments in found.items()}


def environments_of_tenant(tenant: Tenant, project: Project) -> frozenset[int] | None:
    """Return the environments that connect the tenant to the project; None without connection."""
    rows = ProjectConnection.objects.filter(project=project, tenant=tenant)
    numbers = list(rows.values_list("environments", flat=True))
    # A connection without environments is one row without a number.
    return frozenset(filter(None, numbers)) if numbers else None


def tenants_of_project(actor: Actor, project: Project, permission: str) -> QuerySet[Tenant]:
    """Return the tenants connected to the project on which the actor holds the permission."""
    connected = ProjectConnection.objects.filter(project=project).values("tenant")
    return Tenant.objects.visible_to(actor, project.space, permission).filter(pk__in=connected)


def tenanted_mode(project: Project) -> Participation:
    """Return whether the project is deployed for tenants."""
    return participation_of(project.extra)


def environments_of_project(project: Project) -> list[Environment]:
    """Return the environments in the lifecycles of the project's channels, in their order."""
    channels = Channel.objects.in_space(project.space).filter(project=project)
    rows = {
        lifecycle.pk: lifecycle
        for channel in channels.select_related("lifecycle", "project__lifecycle")
        for lifecycle in [lifecycle_of(channel)]
    }
    for row in rows.values():
        row.space = project.space
    phases = phases_of_many(rows.values())
    numbers = {n for views in phases.values() for view in views for n in view.environments}
    return list(Environment.objects.in_space(project.space).filter(pk__in=numbers))


def machines_for(machines: Iterable[Machine], tenant: TenantScope | None) -> list[Machine]:
    """Return the machines that take part in a deployment for the tenant, or for none."""
    rows = list(machines)
    if tenant is None:
        return [row for row in rows if Participation(row.tenanted_participation).allows_untenanted]
    named = tenant_numbers_of_machines(rows)
    return [
        row
        for row in rows
        if target_takes_part(
            row.tenanted_participation,
            tenants=[public_ids.make(Tenant.id_prefix, n) for n in named[row.pk]],
            tags=row.tenant_tags,
            tenant=tenant.public_id,
            carried=tenant.tags,
        )
    ]
