"""The overview of a project by tenants: what each has where."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tenants.services.connections import replace_connections
from tests.factories import (
    SYSTEM,
    default_space,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_space,
)
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.factories.tenants import make_tenant, make_tenanted_project
from tests.support.portal import Visitor, hidden, text_of

pytestmark = pytest.mark.django_db
PATH = "projects/shop"
BY_TENANT = {"view": "tenants"}


@pytest.fixture
def places() -> list[Environment]:
    return [make_environment("Test"), make_environment("Production")]


@pytest.fixture
def shop(places: list[Environment]) -> Project:
    return make_tenanted_project(
        "Shop",
        mode="TenantedOrUntenanted",
        lifecycle=make_lifecycle(*places),
        steps=[script_step()],
    )


def test_each_tenant_has_its_own_row(shop: Project, places: list[Environment]) -> None:
    test, production = places
    ana = Visitor(make_ana())
    assert "No tenant yet" in text_of(ana.get(PATH, BY_TENANT))
    aarhus = make_tenant("Aarhus", connections={shop: places})
    bergen = make_tenant("Bergen", connections={shop: [test]})
    one, two = make_release(shop, "1.0.0"), make_release(shop, "2.0.0")
    make_deployment(one, test, tenant=aarhus, state="Success")
    make_deployment(two, test, tenant=aarhus, state="Failed")
    make_deployment(one, test, tenant=bergen, state="Success")
    make_deployment(one, production, tenant=aarhus, state="Success")
    make_deployment(two, test, state="Success")
    assert "By tenant" in text_of(ana.get(PATH))
    text = text_of(ana.get(PATH, BY_TENANT))
    rows = text[text.index("Without a tenant") :]
    nobody, rest = rows.split("Aarhus")
    of_aarhus, of_bergen = rest.split("Bergen")
    assert "2.0.0 Succeeded" in nobody
    assert "Not deployed" in nobody
    assert "2.0.0 Failed" in of_aarhus
    assert "1.0.0 Succeeded" in of_aarhus
    # The newer one may go there next.
    assert "1.0.0 Deploy 2.0.0 Succeeded" in of_bergen
    assert "Not connected" in of_bergen


def test_projects_without_tenants_have_no_such_view(places: list[Environment]) -> None:
    project = make_project("Shop", lifecycle=make_lifecycle(*places), steps=[script_step()])
    make_release(project, "1.0.0")
    page = text_of(Visitor(make_ana()).get(PATH, BY_TENANT))
    assert "By tenant" not in page
    assert "1.0.0" in page


def test_what_goes_to_tenants_only_is_offered_where_one_of_them_may_get_it(
    places: list[Environment],
) -> None:
    test, production = places
    shop = make_tenanted_project("Shop", lifecycle=make_lifecycle(*places), steps=[script_step()])
    aarhus = make_tenant("Aarhus", connections={shop: places})
    bergen = make_tenant("Bergen", connections={shop: places})
    release, ana = make_release(shop, "1.0.0"), Visitor(make_ana())

    def offered() -> list[str]:
        page = ana.get(PATH).content.decode()
        return [p.name for p in places if f"/deploy?environment={p.public_id}" in page]

    assert offered() == ["Test"]
    make_deployment(release, test, tenant=aarhus, state="Success")
    assert offered() == ["Test", "Production"]
    page = ana.get(f"{PATH}/releases/1.0.0/deploy", {"environment": production.public_id})
    assert hidden(page, "environment") == production.public_id
    make_deployment(release, test, tenant=bergen, state="Success")
    assert offered() == ["Production"]
    make_deployment(release, production, tenant=aarhus, state="Success")
    replace_connections(SYSTEM, aarhus, {shop: [test]})
    assert offered() == ["Production"], "who left it does not count for who has not got it yet"
    make_deployment(release, production, tenant=bergen, state="Success")
    assert offered() == []


def test_each_tenant_is_offered_what_may_go_next_for_it(
    shop: Project, places: list[Environment]
) -> None:
    test, production = places
    aarhus = make_tenant("Aarhus", connections={shop: places})
    bergen = make_tenant("Bergen", connections={shop: places})
    make_tenant("Cadiz", connections={shop: [production]}, is_disabled=True)
    one, two = make_release(shop, "1.0.0"), make_release(shop, "2.0.0")
    make_deployment(one, test, tenant=aarhus, state="Success")
    make_deployment(two, test, tenant=bergen, state="Success")

    def offered(visitor: Visitor) -> list[tuple[str, str, str]]:
        page = visitor.get(PATH, BY_TENANT).content.decode()
        found = re.findall(
            r"releases/([\d.]+)/deploy\?environment=(Environments-\d+)&amp;tenant=(Tenants-\d+)",
            page,
        )
        return sorted(found, key=lambda each: (each[2], each[1]))

    assert offered(Visitor(make_ana())) == [
        ("2.0.0", test.public_id, aarhus.public_id),
        ("1.0.0", production.public_id, aarhus.public_id),
        ("2.0.0", production.public_id, bergen.public_id),
    ]
    space = default_space()
    assert offered(Visitor(make_cleo(space))) == []
    ben = Visitor(make_ben(space, production.public_id))
    assert {place for _, place, _ in offered(ben)} == {production.public_id}


def test_people_see_what_they_may(shop: Project, places: list[Environment]) -> None:
    aarhus = make_tenant("Aarhus", connections={shop: places})
    release = make_release(shop, "1.0.0")
    make_deployment(release, places[0], tenant=aarhus, state="Success")
    space = default_space()
    assert "1.0.0" in text_of(Visitor(make_cleo(space)).get(PATH, BY_TENANT))
    ben = text_of(Visitor(make_ben(space, places[1].public_id)).get(PATH, BY_TENANT))
    assert "Production" in ben
    assert "Test" not in ben
    assert Visitor(make_dan(make_space())).get(PATH, BY_TENANT).status_code == 404


def test_reading_does_not_grow_with_tenants(shop: Project, places: list[Environment]) -> None:
    ana, release = Visitor(make_ana()), make_release(shop, "1.0.0")

    def count() -> int:
        with CaptureQueriesContext(connection) as found:
            ana.get(PATH, BY_TENANT)
        return len(found)

    make_deployment(release, places[0], tenant=make_tenant(connections={shop: places}))
    count()
    few = count()
    for _ in range(4):
        make_deployment(release, places[0], tenant=make_tenant(connections={shop: places}))
    assert count() == few <= 35
