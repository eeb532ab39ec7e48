"""`dashboard` over REST."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.clock import utc_now
from deployments.infrastructure.models import Environment
from deployments.insights.api import dashboard
from deployments.projects.models import Project
from deployments.server_tasks.models import ServerTask
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.factories.people import Person
from tests.factories.tenants import make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def places() -> list[Environment]:
    return [make_environment("Development"), make_environment("Production")]


@pytest.fixture
def project(places: list[Environment]) -> Project:
    return make_project("Web", lifecycle=make_lifecycle(*places), steps=[script_step()])


def get(person: Person, path: str) -> Any:
    status, answer = send(person, "get", f"{S}/{path}")
    assert status == 200
    return answer


def told(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["EnvironmentId"], row["ReleaseVersion"], row["State"]) for row in items]


def test_current_and_previous(project: Project, places: list[Environment]) -> None:
    first, second = places
    for state in ("Success", "Success", "Failed"):
        make_deployment(make_release(project), first, state=state)
    make_deployment(project.releases.get(version="0.0.1"), second, state="Success")
    ana = make_ana()
    answer = get(ana, "dashboard")
    assert told(answer["Items"]) == [
        (second.public_id, "0.0.1", "Success"),
        (first.public_id, "0.0.3", "Failed"),
    ]
    assert told(answer["PreviousItems"]) == [(first.public_id, "0.0.2", "Success")]
    item = answer["Items"][1]
    assert (item["IsCurrent"], item["IsCompleted"], item["TenantId"]) == (True, True, None)
    began, ended = utc_now() - timedelta(hours=2, seconds=95), utc_now() - timedelta(hours=2)
    times = {"Production": (began, ended), "Development": (None, None)}
    for task in ServerTask.objects.in_space(project.space).filter(is_current=True):
        place = first if task.environment_number == first.pk else second
        task.started, task.completed = times[place.name]
        task.save(update_fields=["started", "completed"])
    items = get(ana, "dashboard")["Items"]
    assert [item["Duration"] for item in items] == ["1 minute", "less than a second"]
    row = answer["Projects"][0]
    assert row["EnvironmentIds"] == [first.public_id, second.public_id]
    assert row["TenantedDeploymentMode"] == "Untenanted"
    assert answer["ProjectGroups"][0]["Id"] == row["ProjectGroupId"]


def test_it_can_be_narrowed(project: Project, places: list[Environment]) -> None:
    other = make_project("Api", lifecycle=project.lifecycle, steps=[script_step()])
    release = make_release(other)
    for row in (make_release(project), release):
        make_deployment(row, places[0], state="Success")
    ana = make_ana()

    def names(path: str) -> list[str]:
        return [row["Name"] for row in get(ana, path)["Projects"]]

    assert names("dashboard") == ["Api", "Web"]
    assert names(f"dashboard?projectId={project.public_id}") == ["Web"]
    assert names(f"dashboard?releaseId={release.public_id}") == ["Api"]
    assert names("dashboard?projectId=Nothing-1") == []
    assert names(f"dashboard/dynamic?projects={other.public_id},Projects-999999999") == ["Api"]
    answer = get(ana, f"dashboard/dynamic?environments={places[1].public_id}")
    assert ([row["Name"] for row in answer["Environments"]], answer["Items"]) == (
        ["Production"],
        [],
    )
    assert send(ana, "get", f"{S}/dashboard/dynamic?includePrevious=perhaps")[0] == 400


def test_it_answers_with_so_many_projects_and_says_when_there_are_more(
    monkeypatch: pytest.MonkeyPatch, places: list[Environment]
) -> None:
    monkeypatch.setattr(dashboard, "MOST_PROJECTS", 2)
    lifecycle, ana = make_lifecycle(*places), make_ana()

    def told(query: str = "") -> tuple[list[str], int, bool, int]:
        answer = get(ana, f"dashboard{query}")
        names = [row["Name"] for row in answer["Projects"]]
        return names, answer["ProjectLimit"], answer["IsFiltered"], len(answer["Items"])

    for name in ("Web", "Api"):
        made = make_project(name, lifecycle=lifecycle, steps=[script_step()])
        make_deployment(make_release(made), places[0], state="Success")
    assert told() == (["Api", "Web"], 2, False, 2)
    shop = make_project("Shop", lifecycle=lifecycle, steps=[script_step()])
    make_deployment(make_release(shop), places[0], state="Success")
    assert told() == (["Api", "Shop"], 2, True, 2)
    assert told("?showAll=true") == (["Api", "Shop", "Web"], 3, False, 3)
    assert told(f"?projectId={made.public_id}") == (["Api"], 1, False, 1)
    configuration = get(ana, "dashboardconfiguration")
    wished = {**configuration, "ProjectLimit": 3}
    assert send(ana, "put", f"{S}/dashboardconfiguration", wished)[0] == 200
    assert told() == (["Api", "Shop", "Web"], 3, True, 3)


def test_one_item_for_each_environment_however_many_tenants(places: list[Environment]) -> None:
    shop = make_tenanted_project(
        "Shop",
        lifecycle=make_lifecycle(*places),
        steps=[script_step()],
        mode="TenantedOrUntenanted",
    )
    tenants = [make_tenant(name, connections={shop: places}) for name in ("Ash", "Birch", "Cedar")]
    nine, ten = (make_release(shop, version) for version in ("1.9.0", "1.10.0"))
    for release, tenant in ((nine, 0), (ten, 0), (ten, 1), (nine, 1), (ten, 2), (nine, 2)):
        make_deployment(release, places[0], tenant=tenants[tenant], state="Success")
    make_deployment(ten, places[0], state="Success")
    make_deployment(nine, places[0], state="Failed")
    make_deployment(nine, places[1], tenant=tenants[0], state="Success")
    ana = make_ana()
    assert len(get(ana, "dashboard")["Items"]) == 5
    answer = get(ana, "dashboard?highestLatestVersionPerProjectAndEnvironment=true")
    assert told(answer["Items"]) == [
        (places[1].public_id, "1.9.0", "Success"),
        (places[0].public_id, "1.10.0", "Success"),
    ]
    assert answer["Items"][1]["TenantId"] == tenants[0].public_id
    assert told(answer["PreviousItems"]) == [(places[0].public_id, "1.10.0", "Success")]
    path = f"{S}/dashboard?highestLatestVersionPerProjectAndEnvironment=perhaps"
    assert send(ana, "get", path)[0] == 400


def test_people_see_what_they_may(project: Project, places: list[Environment]) -> None:
    release = make_release(project)
    make_deployment(release, places[0], state="Success")
    make_deployment(release, places[1], state="Success")
    space = default_space()
    assert len(get(make_cleo(space), "dashboard")["Items"]) == 2
    answer = get(make_ben(space, places[1].public_id), "dashboard")
    assert told(answer["Items"]) == [(places[1].public_id, "0.0.1", "Success")]
    assert send(make_dan(make_space()), "get", f"{S}/dashboard")[0] == 404


def test_the_number_of_queries_does_not_grow(project: Project, places: list[Environment]) -> None:
    ana = make_ana()

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            get(ana, "dashboard")
        return len(found)

    make_deployment(make_release(project), places[0], state="Success")
    queries()
    few = queries()
    for _ in range(4):
        other = make_project(lifecycle=make_lifecycle(*places), steps=[script_step()])
        make_deployment(make_release(other), places[0], state="Success")
    assert queries() == few <= 20
