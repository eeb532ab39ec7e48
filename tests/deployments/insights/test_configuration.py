"""What one's own dashboard is limited to, over REST."""

from typing import Any

import pytest

from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tenants.models import Tenant
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_group,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.factories.people import Person
from tests.factories.tenants import make_tag_set, make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db

PATH = f"{S}/dashboardconfiguration"
EMPTY: dict[str, Any] = {
    "IncludedProjectGroupIds": [],
    "IncludedProjectIds": [],
    "IncludedEnvironmentIds": [],
    "IncludedTenantIds": [],
    "IncludedTenantTags": [],
    "ProjectLimit": None,
}


class Town:
    """Three projects in two groups; Shop is for the tenants Ash in the North and Birch."""

    def __init__(self) -> None:
        self.dev, self.live = make_environment("Dev"), make_environment("Live")
        lifecycle = make_lifecycle(self.dev, self.live)
        more: dict[str, Any] = {"lifecycle": lifecycle, "steps": [script_step()]}
        self.apps, self.tools = make_group("Apps"), make_group("Tools")
        self.web: Project = make_project("Web", group=self.apps, **more)
        self.lint: Project = make_project("Lint", group=self.tools, **more)
        self.shop: Project = make_tenanted_project("Shop", group=self.apps, **more)
        make_tag_set("Region", "North", "South")
        places = {self.shop: [self.dev, self.live]}
        self.ash = make_tenant("Ash", "Region/North", connections=places)
        self.birch = make_tenant("Birch", "Region/South", connections=places)
        make_deployment(make_release(self.web), self.dev, state="Success")
        release = make_release(self.shop, "1.0.0")
        self.put_there(release, self.ash)
        self.put_there(make_release(self.shop, "2.0.0"), self.birch)

    def put_there(self, release: Any, tenant: Tenant) -> None:
        make_deployment(release, self.dev, tenant=tenant, state="Success")


@pytest.fixture
def town() -> Town:
    return Town()


def call(person: Person, verb: str, path: str = PATH, body: Any = None) -> Any:
    status, answer = send(person, verb, path, body)
    assert status == 200, answer
    return answer


def shown(person: Person, query: str = "") -> tuple[list[str], list[str], list[str]]:
    """Return names of projects and environments, and who has what."""
    answer = call(person, "get", f"{S}/dashboard{query}")
    return (
        [row["Name"] for row in answer["Projects"]],
        [row["Name"] for row in answer["Environments"]],
        sorted(f"{row['TenantId'] or '-'} {row['ReleaseVersion']}" for row in answer["Items"]),
    )


def test_without_one_everything_is_shown(town: Town) -> None:
    ana = make_ana()
    answer = call(ana, "get")
    assert {name: answer[name] for name in EMPTY} == EMPTY
    projects, environments, items = shown(ana)
    assert (projects, environments) == (["Lint", "Shop", "Web"], ["Dev", "Live"])
    assert len(items) == 3


def test_what_is_kept_limits_the_own_dashboard_alone(town: Town) -> None:
    ana, cleo = make_ana(), make_cleo(default_space())
    body = {
        **EMPTY,
        "IncludedProjectGroupIds": [town.tools.public_id],
        "IncludedProjectIds": [town.shop.public_id],
        "IncludedEnvironmentIds": [town.dev.public_id],
        "IncludedTenantTags": ["region/north"],
    }
    kept = call(ana, "put", body=body)
    assert kept["IncludedTenantTags"] == ["Region/North"]
    assert call(ana, "get") == kept
    ash = f"{town.ash.public_id} 1.0.0"
    assert shown(ana) == (["Lint", "Shop"], ["Dev"], [ash])
    assert shown(ana, "?showAll=true")[0] == ["Lint", "Shop", "Web"]
    assert shown(cleo)[0] == ["Lint", "Shop", "Web"]
    # A program that asks for one project gets it.
    assert shown(ana, f"?projectId={town.web.public_id}")[0] == ["Web"]


def test_deployments_without_a_tenant_always_count(town: Town) -> None:
    ana = make_ana()
    call(ana, "put", body={**EMPTY, "IncludedTenantIds": [town.birch.public_id]})
    assert shown(ana)[2] == sorted(["- 0.0.1", f"{town.birch.public_id} 2.0.0"])


def test_tenants_and_tags_of_the_address(town: Town) -> None:
    ana = make_ana()
    assert shown(ana, "?selectedTags=Region/South") == (
        ["Shop"],
        ["Dev", "Live"],
        [f"{town.birch.public_id} 2.0.0"],
    )
    both = f"?selectedTags=Region/South&selectedTenants={town.ash.public_id}"
    assert len(shown(ana, both)[2]) == 2
    assert shown(ana, "?selectedTags=Region/East") == ([], ["Dev", "Live"], [])


def test_so_many_projects_are_shown(town: Town) -> None:
    ana = make_ana()
    call(ana, "put", body={**EMPTY, "ProjectLimit": 2})
    assert shown(ana)[0] == ["Lint", "Shop"]


def test_what_is_gone_is_left_out(town: Town) -> None:
    ana = make_ana()
    spare = make_environment("Spare")
    ids = [spare.public_id, town.live.public_id]
    call(ana, "put", body={**EMPTY, "IncludedEnvironmentIds": ids})
    Environment.objects.in_space(default_space()).filter(pk=spare.pk).delete()
    assert call(ana, "get")["IncludedEnvironmentIds"] == [town.live.public_id]


@pytest.mark.parametrize(
    "change",
    [
        {"IncludedEnvironmentIds": ["Environments-999999999"]},
        {"IncludedProjectIds": ["Nothing"]},
        {"IncludedTenantTags": ["Region/East"]},
        {"ProjectLimit": 0},
        {"ProjectLimit": 10**30},
        {"ProjectLimit": "many"},
        {"IncludedTenantIds": "x"},
        {"IncludedProjectIds": ["Projects-1"] * 1001},
    ],
)
def test_what_is_wrong_is_refused(town: Town, change: dict[str, Any]) -> None:
    status, answer = send(make_ana(), "put", PATH, {**EMPTY, **change})
    assert status == 400
    assert answer["Errors"]


def test_another_spaces_people_have_none_here(town: Town) -> None:
    assert send(make_dan(make_space()), "get", PATH)[0] == 404
