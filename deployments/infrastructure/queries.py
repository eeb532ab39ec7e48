"""Reads of the infrastructure."""

import hashlib
from collections.abc import Iterable

from django.db.models import QuerySet

from deployments.base.actor import Actor
from deployments.base.finding import find
from deployments.base.models import Space
from deployments.infrastructure.models import (
    Environment,
    Machine,
    MachineEnvironment,
    RegistrationToken,
    Worker,
    WorkerPool,
)


def machines_of_environment(space: Space, environment: Environment) -> QuerySet[Machine]:
    """Return the enabled targets of an environment, by name; for planning a deployment."""
    return (
        Machine.objects.in_space(space)
        .filter(pk__in=_machine_numbers(environment), is_disabled=False)
        .select_related("agent", "policy")
        .order_by("name", "id")
    )


def machines_with_roles(machines: Iterable[Machine], roles: Iterable[str]) -> list[Machine]:
    """Return the machines that have any of the roles, ignoring case."""
    wanted = {role.lower() for role in roles}
    return [machine for machine in machines if has_any_role(machine, wanted)]


def has_any_role(machine: Machine, wanted: set[str]) -> bool:
    """Whether the machine has one of the roles (given in lower case)."""
    return any(str(role).lower() in wanted for role in machine.roles)


def environment_numbers(machines: Iterable[Machine]) -> dict[int, list[int]]:
    """Return the environment numbers of each machine by the machine's, in sort order."""
    numbers: dict[int, list[int]] = {machine.pk: [] for machine in machines}
    links = MachineEnvironment.objects.filter(machine__in=list(numbers))
    for link in links.order_by("environment__sort_order", "environment_id"):
        numbers[link.machine_id].append(link.environment_id)
    return numbers


def roles_in_space(space: Space) -> list[str]:
    """Return every target tag in use, sorted; spelled as the first machine spells it."""
    return _distinct_roles(Machine.objects.in_space(space))


def visible_roles(actor: Actor, space: Space) -> list[str]:
    """Return the target tags of the machines that the actor may see."""
    return _distinct_roles(Machine.objects.visible_to(actor, space, "MachineView"))


def find_environment(space: Space, text: str) -> Environment | None:
    """Return the environment by public id, name or slug, ignoring case."""
    return find(Environment.objects.in_space(space), text)


def find_registration_token(space: Space, token: str) -> RegistrationToken | None:
    """Return the row of a registration token's text."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return RegistrationToken.objects.filter(space=space, sha256=digest).first()


def default_worker_pool(space: Space) -> WorkerPool | None:
    """Return the pool that actions use when they name none."""
    return WorkerPool.objects.in_space(space).filter(is_default=True).first()


def workers_of_pool(pool: WorkerPool) -> QuerySet[Worker]:
    """Return the enabled workers of a pool, by number."""
    return (
        Worker.objects.in_space(pool.space)
        .filter(pools=pool, is_disabled=False)
        .select_related("agent")
        .order_by("id")
    )


def _machine_numbers(environment: Environment) -> "QuerySet[MachineEnvironment, int]":
    links = MachineEnvironment.objects.filter(environment=environment)
    return links.values_list("machine_id", flat=True)


def _distinct_roles(machines: QuerySet[Machine]) -> list[str]:
    found: dict[str, str] = {}
    for roles in machines.order_by("id").values_list("roles", flat=True):
        for role in roles:
            found.setdefault(str(role).lower(), str(role))
    return [found[key] for key in sorted(found)]
