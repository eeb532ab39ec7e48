"""What tenants have: the dashboard of one, and how many have what a cell shows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.releases.models import Release
from tenants.models import Tenant
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_release,
    script_step,
)
from tests.factories.tenants import connect, make_tenant, make_tenanted_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def places() -> list[Environment]:
    return [make_environment("Test"), make_environment("Production")]


@pytest.fixture
def project(places: list[Environment]) -> Project:
    return make_tenanted_project("Shop", lifecycle=make_lifecycle(*places), steps=[script_step()])


def deploy(release: Release, place: Environment, tenant: Tenant) -> None:
    make_deployment(release, place, state="Success", tenant=tenant)


def test_a_tenant_has_a_dashboard(project: Project, places: list[Environment]) -> None:
    release = make_release(project, "1.0.0")
    tenant, other = make_tenant("Aarhus"), make_tenant("Bergen")
    connect(tenant, project, *places)
    connect(other, project, *places)
    ana = Visitor(make_ana())
    path = f"tenants/{tenant.public_id}/deployments"
    first = ana.get(path).content.decode()
    assert f"environment={places[0].public_id}&amp;tenant={tenant.public_id}" in first
    deploy(release, places[0], tenant)
    page = ana.get(path).content.decode()
    assert "Deploy 1.0.0 to Production" in page
    assert "Deploy 1.0.0 to Test" not in page
    others = ana.get(f"tenants/{other.public_id}/deployments").content.decode()
    assert "Deploy 1.0.0 to Test" in others
    assert "Deploy 1.0.0 to Production" not in others
    empty = make_tenant("Cork")
    assert "Nothing to deploy yet" in text_of(ana.get(f"tenants/{empty.public_id}/deployments"))
    assert 'href="/app/Spaces-1/tenants/' in ana.get(f"tenants/{empty.public_id}").content.decode()


def test_people_see_what_they_may(project: Project, places: list[Environment]) -> None:
    release, tenant = make_release(project, "1.0.0"), make_tenant("Aarhus")
    connect(tenant, project, *places)
    deploy(release, places[0], tenant)
    path = f"tenants/{tenant.public_id}/deployments"
    cleo = text_of(Visitor(make_cleo(default_space())).get(path))
    assert "1.0.0" in cleo
    assert "Deploy 1.0.0" not in cleo
    ben = Visitor(make_ben(default_space(), places[1].public_id)).get(path).content.decode()
    assert '<span class="track">Test</span>' not in ben
    assert Visitor(make_dan(make_space())).get(path).status_code == 404


def test_cells_count_the_tenants_that_have_the_release(
    project: Project, places: list[Environment]
) -> None:
    old, new = make_release(project, "1.0.0"), make_release(project, "2.0.0")
    tenants = [make_tenant() for _ in range(3)]
    for tenant in tenants:
        connect(tenant, project, places[0])
    deploy(old, places[0], tenants[0])
    deploy(old, places[0], tenants[1])
    deploy(new, places[0], tenants[1])
    deploy(new, places[0], tenants[2])
    ana = make_ana()
    page = Visitor(ana).get("dashboard")
    assert "2/3 tenants have it" in text_of(page)
    # A project that is for tenants only is not deployed from here.
    assert "Deploy 2.0.0" not in page.content.decode()
    status, answer = send(ana, "get", f"{S}/dashboard")
    assert status == 200
    assert [row["Name"] for row in answer["Tenants"]] == sorted(row.name for row in tenants)
    assert {row["TenantId"] for row in answer["Items"]} == {row.public_id for row in tenants}
    assert [row["ReleaseVersion"] for row in answer["PreviousItems"]] == ["1.0.0"]
    assert answer["Projects"][0]["CanPerformUntenantedDeployment"] is False


def test_a_cell_counts_only_tenants_that_are_still_connected(
    project: Project, places: list[Environment]
) -> None:
    release = make_release(project, "1.0.0")
    stays, leaves, disabled = (make_tenant() for _ in range(3))
    for tenant in (stays, leaves, disabled):
        connect(tenant, project, *places)
        deploy(release, places[0], tenant)
    connect(leaves, project, places[1])
    Tenant.objects.in_space(default_space()).filter(pk=disabled.pk).update(is_disabled=True)
    assert "1/1 tenant" in text_of(Visitor(make_ana()).get("dashboard"))


def test_the_number_of_queries_does_not_grow(project: Project, places: list[Environment]) -> None:
    release, tenant = make_release(project, "1.0.0"), make_tenant("Aarhus")
    connect(tenant, project, *places)
    deploy(release, places[0], tenant)
    ana = Visitor(make_ana())

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as found:
            ana.get(path)
        return len(found)

    paths = (f"tenants/{tenant.public_id}/deployments", "dashboard")
    for path in paths:
        queries(path)
    few = [queries(path) for path in paths]
    for _ in range(3):
        other = make_tenanted_project(lifecycle=project.lifecycle, steps=[script_step()])
        for each in (tenant, make_tenant()):
            connect(each, other, *places)
            deploy(make_release(other), places[0], each)
    assert [queries(path) for path in paths] == few
    assert max(few) <= 30
