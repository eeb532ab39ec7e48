"""Grants over random roles and scopes against a slow, obvious evaluator of the rules."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest

from deployments.access.grants import Grants, grants_of_role
from deployments.base.clock import utc_now
from deployments.base.models import Space
from deployments.server_tasks.models import ServerTask
from tests.factories import default_space
from tests.factories.domain import make_group, make_project
from tests.factories.tenants import make_tag_set, make_tenant
from tests.support.cases import cases

pytestmark = pytest.mark.django_db

SEED, ROUNDS = 20261128, 150
SUPPORTED = {
    name: (set(case["restrictions"]), case["explicit_tenant"])
    for case in cases("permissions", "catalogue")
    if case["space"]
    for name in case["permissions"].split()
}
ENVIRONMENTS = {number: f"Environments-{number}" for number in (1, 2, 3)}


@dataclass
class World:
    """Projects in groups and tenants with tags, by number."""

    space: Space
    groups: dict[int, str] = field(default_factory=dict)
    projects: dict[int, int] = field(default_factory=dict)
    tenants: dict[int, set[str]] = field(default_factory=dict)


@dataclass
class Role:
    """One role of one team with its limits, as they are stored."""

    permissions: set[str]
    scopes: dict[str, list[str]]


Place = Mapping[str, int | None]


def says_yes(world: World, roles: list[Role], permission: str, place: Place) -> bool:
    return any(holds(world, role, permission, place) for role in roles)


def holds(world: World, role: Role, permission: str, place: Place) -> bool:
    restrictions, is_explicit = SUPPORTED[permission]
    if permission not in role.permissions:
        return False
    project, group = place["project"], place["group"]
    projects = role.scopes.get("project", [])
    groups = role.scopes.get("project_group", [])
    environments = role.scopes.get("environment", [])
    in_groups = f"ProjectGroups-{group}" in groups
    in_environments = f"Environments-{place['environment']}" in environments
    in_projects = f"Projects-{project}" in projects or in_groups
    if "Projects" in restrictions and (projects or groups) and not in_projects:
        return False
    if "ProjectGroups" in restrictions and groups and not in_groups:
        return False
    if "Environments" in restrictions and environments and not in_environments:
        return False
    if "Tenants" not in restrictions:
        return True
    tenants, tags = role.scopes.get("tenant", []), role.scopes.get("tenant_tag", [])
    if not tenants and not tags:
        return True
    tenant = place["tenant"]
    if tenant is None:
        return not is_explicit
    return f"Tenants-{tenant}" in tenants or (bool(tags) and has_tags(world, tenant, tags))


def has_tags(world: World, tenant: int, tags: list[str]) -> bool:
    for tag_set in {tag.split("/")[0] for tag in tags}:
        if not any(tag in world.tenants[tenant] for tag in tags if tag.startswith(f"{tag_set}/")):
            return False
    return True


def make_world() -> World:
    world = World(default_space())
    make_tag_set("Ring", "Early", "Late")
    make_tag_set("Region", "North", "South")
    for number in range(2):
        group = make_group(f"Evaluated {number}")
        world.groups[group.pk] = group.public_id
        for _ in range(2):
            world.projects[make_project(group=group).pk] = group.pk
    for tags in (["Ring/Early", "Region/North"], ["Ring/Early"], ["Ring/Late", "Region/South"]):
        world.tenants[make_tenant("", *tags).pk] = set(tags)
    return world


def places(world: World) -> Iterator[dict[str, int | None]]:
    for project, environment, tenant in product(
        [*world.projects, None], [*ENVIRONMENTS, None], [*world.tenants, None]
    ):
        group = None if project is None else world.projects[project]
        yield {"project": project, "group": group, "environment": environment, "tenant": tenant}


def random_role(chance: random.Random, world: World) -> Role:
    values: dict[str, list[str]] = {
        "project": [f"Projects-{number}" for number in world.projects],
        "project_group": list(world.groups.values()),
        "environment": list(ENVIRONMENTS.values()),
        "tenant": [f"Tenants-{number}" for number in world.tenants],
        "tenant_tag": ["Ring/Early", "Ring/Late", "Region/North", "Region/South"],
    }
    scopes = {
        kind: chance.sample(every, chance.randint(1, 2))
        for kind, every in values.items()
        if chance.random() < 0.4
    }
    permissions = set(chance.sample(sorted(SUPPORTED), 60))
    return Role(permissions, scopes)


def test_the_check_agrees_with_the_rules_everywhere() -> None:
    chance, world, asked = random.Random(SEED), make_world(), 0
    everywhere = list(places(world))
    for _ in range(ROUNDS):
        roles = [random_role(chance, world) for _ in range(chance.randint(0, 3))]
        grants = granted(world, roles)
        for permission in chance.sample(sorted(SUPPORTED), 15):
            for place in chance.sample(everywhere, 20):
                found = grants.allows(
                    permission,
                    project=place["project"],
                    project_group=place["group"],
                    environment=place["environment"],
                    tenant=place["tenant"],
                )
                wanted = says_yes(world, roles, permission, place)
                assert found == wanted, (permission, place, roles)
                asked += 1
    assert asked == ROUNDS * 300


def test_the_filter_of_rows_agrees_with_the_rules() -> None:
    chance, world = random.Random(SEED), make_world()
    rows = ServerTask.objects.bulk_create([task(world.space, place) for place in places(world)])
    everywhere = list(zip(rows, places(world), strict=True))
    for _ in range(40):
        roles = [random_role(chance, world) for _ in range(chance.randint(0, 3))]
        grants = granted(world, roles)
        for permission in ("TaskView", "DeploymentView", "ProcessView", "EnvironmentView"):
            tasks = ServerTask.objects.in_space(world.space).filter(
                grants.q(permission, ServerTask), kind="Evaluated"
            )
            wanted = {
                row.pk for row, place in everywhere if says_yes(world, roles, permission, place)
            }
            assert set(tasks.values_list("pk", flat=True)) == wanted, (permission, roles)


def granted(world: World, roles: list[Role]) -> Grants:
    held = [grants_of_role(world.space, role.permissions, role.scopes) for role in roles]
    return Grants(tuple(one for grants in held for one in grants.assignments))


def task(space: Space, place: Mapping[str, Any]) -> ServerTask:
    now = utc_now()
    return ServerTask(
        space=space,
        kind="Evaluated",
        description="x",
        queued=now,
        last_updated=now,
        project_number=place["project"],
        environment_number=place["environment"],
        tenant_number=place["tenant"],
    )
