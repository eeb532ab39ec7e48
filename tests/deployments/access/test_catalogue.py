"""The catalogue of permissions and the built-in roles against the tables of the reference."""

from typing import Any

import pytest

from deployments.access.api.permission_sets import descriptions
from deployments.access.models import UserRole
from deployments.access.permissions import EXPLICIT_TENANT
from tests.support.cases import case_name, cases

CATALOGUE = cases("permissions", "catalogue")
ROLES: dict[str, Any] = {case["name"]: case for case in cases("permissions", "roles")}


def listed(key: str) -> set[str]:
    return {name for case in CATALOGUE if case[key] for name in case["permissions"].split()}


def of_role(name: str, level: str) -> set[str]:
    case = ROLES[name]
    if case[level] == "*":
        return listed(level)
    taken = of_role(case["with"], level) if "with" in case else set()
    return taken | set(case[level].split())


@pytest.mark.parametrize("case", CATALOGUE, ids=case_name)
def test_restrictions_and_levels(case: dict[str, Any]) -> None:
    described = descriptions()
    for name in case["permissions"].split():
        found = described[name]
        assert found["SupportedRestrictions"] == sorted(case["restrictions"]), name
        assert found["CanApplyAtSystemLevel"] is case["system"], name
        assert found["CanApplyAtSpaceLevel"] is case["space"], name
        assert (name in EXPLICIT_TENANT) is case["explicit_tenant"], name


def test_the_catalogue_is_whole() -> None:
    assert {name for case in CATALOGUE for name in case["permissions"].split()} == set(
        descriptions()
    )


@pytest.mark.django_db
def test_the_built_in_roles_are_those_of_the_table() -> None:
    found = {
        role.name: (role.built_in_id, set(role.space_permissions), set(role.system_permissions))
        for role in UserRole.objects.exclude(built_in_id="")
    }
    wanted = {
        name: (case["id"], of_role(name, "space"), of_role(name, "system"))
        for name, case in ROLES.items()
    }
    assert found == wanted
    assert len(wanted) == 19
