"""Reads of the infrastructure."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.finding import find
from deployments.base.models import Space
from deployments.base.participation import Participation
from deployments.infrastructure.agent_credentials import digest
from deployments.infrastructure.models import (
    Environment,
    Machine,
    MachineEnvironment,
    MachineTenant,
    RegistrationToken,
    WorkerPool,
)
from deployments.library.tenancy import FoundTenancy

# What a plan needs of a target, which may be one of hundreds.
_PLANNED = (
    "space",
    "name",
    "roles",
    "health_status",
    "tenanted_participation",
    "tenant_tags",
    "agent",
)


def machines_of_environment(space: Space, environment: Environment) -> QuerySet[Machine]:
    """Return the enabled targets of an environment, by name; for planning a deployment."""
    return (
        Machine.objects.in_space(space)
        .filter(pk__in=_machine_numbers(environment), is_disabled=False)
        .only(*_PLANNED)
        .order_by("name", "id")
    )


def environment_numbers(machines: Iterable[Machine]) -> dict[int, list[int]]:
    """Return the environment numbers of each machine by the machine's, in sort order."""
    numbers: dict[int, list[int]] = {machine.pk: [] for machine in machines}
    links = MachineEnvironment.objects.filter(machine__in=list(numbers))
    for link in links.order_by("environment__sort_order", "environment_id"):
        numbers[link.machine_id].append(link.environment_id)
    return numbers


def tenant_numbers_of_machines(machines: Iterable[Machine]) -> dict[int, list[int]]:
    """Return the tenants that each machine names, by the machine's number; one query."""
    numbers: dict[int, list[int]] = {machine.pk: [] for machine in machines}
    links = MachineTenant.objects.filter(machine__in=list(numbers)).order_by("tenant_number")
    for machine, tenant in links.values_list("machine_id", "tenant_number"):
        numbers[machine].append(tenant)
    return numbers


def stored_tenancy(machine: Machine) -> FoundTenancy:
    """Return which tenants the machine serves."""
    return FoundTenancy(
        Participation(machine.tenanted_participation),
        tenant_numbers_of_machines([machine])[machine.pk],
        list(machine.tenant_tags),
    )


def machines_serving(
    rows: QuerySet[Machine], tenants: Iterable[int], tags: Iterable[str]
) -> QuerySet[Machine]:
    """Return the machines that name one of the tenants or tags (canonical names)."""
    wanted = {tag.lower() for tag in tags}
    tagged = [
        number
        for number, names in rows.exclude(tenant_tags=[]).values_list("pk", "tenant_tags")
        if wanted & {str(name).lower() for name in names}
    ]
    links = MachineTenant.objects.filter(tenant_number__in=list(tenants)).values("machine")
    return rows.filter(Q(pk__in=links) | Q(pk__in=tagged))


def visible_roles(actor: Actor, space: Space) -> list[str]:
    """Return the target tags of the machines that the actor may see."""
    return _distinct_roles(Machine.objects.visible_to(actor, space, "MachineView"))


def visible_environment_numbers(actor: Actor, space: Space) -> set[int]:
    """Return the numbers of the environments that the actor may see."""
    rows = Environment.objects.visible_to(actor, space, "EnvironmentView")
    return set(rows.values_list("pk", flat=True))


def find_environment(space: Space, text: str) -> Environment | None:
    """Return the environment by public id, name or slug, ignoring case."""
    return find(Environment.objects.in_space(space), text)


def find_registration_token(space: Space, token: str) -> RegistrationToken | None:
    """Return the row of a registration token's text."""
    return RegistrationToken.objects.filter(space=space, sha256=digest(token)).first()


def visible_pools(actor: Actor, space: Space) -> list[tuple[str, str]]:
    """Return the worker pools that the actor may see: ids and names."""
    rows = WorkerPool.objects.visible_to(actor, space, Permission.WorkerView)
    return [(row.public_id, row.name) for row in rows]


def _machine_numbers(environment: Environment) -> "QuerySet[MachineEnvironment, int]":
    links = MachineEnvironment.objects.filter(environment=environment)
    return links.values_list("machine_id", flat=True)


def _distinct_roles(machines: QuerySet[Machine]) -> list[str]:
    found: dict[str, str] = {}
    for roles in machines.order_by("id").values_list("roles", flat=True):
        for role in roles:
            found.setdefault(str(role).lower(), str(role))
    return [found[key] for key in sorted(found)]
