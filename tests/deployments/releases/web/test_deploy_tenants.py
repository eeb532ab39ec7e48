"""Deploying to several tenants from the page: by name and by tags, all of them or none."""

from dataclasses import dataclass

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.releases.models import Deployment, Release
from deployments.releases.services import create_deployment
from tenants.models import Tenant
from tests.factories import SYSTEM, default_space, make_ana, make_ben
from tests.factories.domain import (
    finish,
    make_environment,
    make_lifecycle,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.people import give_role
from tests.factories.tenants import make_tag_set, make_tenant, make_tenanted_project
from tests.support.portal import Visitor, hidden, text_of

pytestmark = pytest.mark.django_db
PATH = "projects/web/releases/1.0.0/deploy/several"


@dataclass
class World:
    test: Environment
    production: Environment
    release: Release
    tenants: dict[str, Tenant]

    def give(self, name: str) -> None:
        """Let the tenant have the release in Test."""
        finish(
            create_deployment(
                actor=SYSTEM,
                release=self.release,
                environment=self.test,
                tenant=self.tenants[name],
            )
        )


@pytest.fixture
def world() -> World:
    test, production = make_environment("Test"), make_environment("Production")
    make_tag_set("Ring", "Early", "Late")
    project = make_tenanted_project(
        "Web", lifecycle=make_lifecycle(test, production), steps=[script_step("Hello")]
    )
    both = [test, production]
    tenants = {
        "Aarhus": make_tenant("Aarhus", "Ring/Early", connections={project: both}),
        "Bergen": make_tenant("Bergen", "Ring/Early", connections={project: both}),
        "Cadiz": make_tenant("Cadiz", "Ring/Late", connections={project: [test]}),
    }
    return World(test, production, make_release(project, "1.0.0"), tenants)


def deployed() -> list[str]:
    rows = Deployment.objects.in_space(default_space()).select_related("environment")
    names = dict(Tenant.objects.in_space(default_space()).values_list("pk", "name"))
    return sorted(f"{row.environment.name} {names.get(row.tenant_number or 0)}" for row in rows)


def test_tags_and_names_mean_tenants(world: World) -> None:
    ana = Visitor(make_ana())
    assert "Mark environments, and tenants" in text_of(ana.get(PATH))
    sent = {
        "environment": [world.test.public_id],
        "tenant_tag": ["Ring/Early"],
        "tenant": [world.tenants["Cadiz"].public_id],
    }
    shown = text_of(ana.get(PATH, sent))
    assert "Deploy 1.0.0 to 3 places" in shown
    assert "The same plan for 3" in shown
    assert deployed() == []
    answer = ana.post(PATH, sent)
    assert answer.status_code == 302
    assert deployed() == ["Test Aarhus", "Test Bergen", "Test Cadiz"]


def test_each_place_says_why_not_and_all_wait_for_it(world: World) -> None:
    world.give("Aarhus")
    ana = Visitor(make_ana())
    everybody = [row.public_id for row in world.tenants.values()]
    sent = {"environment": [world.production.public_id], "tenant": everybody}
    shown = text_of(ana.post(PATH, {**sent, "preview": "1"}))
    assert "Production Aarhus Nothing Yes, it comes next" in shown
    assert "Production Bergen Nothing First the phase Test must succeed." in shown
    assert "Cadiz' is not connected to the environment 'Production'" in shown
    assert "2 cannot get it" in shown
    assert "2 of 3 marked places refuse; the list says why." in shown
    assert "Deploy 1.0.0 to the other one" in shown
    assert "Deploy 1.0.0 to 3 places" not in shown
    refused = ana.post(PATH, sent)
    assert (refused.status_code, deployed()) == (400, ["Test Aarhus"])
    assert "Production for Bergen: Release '1.0.0'" in text_of(refused)
    button = {"leave_out": "1", "shown": hidden(ana.get(PATH, sent), "shown")}
    other = ana.post(PATH, {**sent, "environment": [world.test.public_id], **button})
    assert (other.status_code, deployed()) == (400, ["Test Aarhus"])
    assert "no longer those that were shown" in text_of(other)
    left = ana.post(PATH, {**sent, **button})
    assert left.status_code == 302
    assert deployed() == ["Production Aarhus", "Test Aarhus"]


def test_tags_mean_nobody_where_they_are_not_connected(world: World) -> None:
    ana = Visitor(make_ana())
    sent = {"environment": [world.production.public_id], "tenant_tag": ["Ring/Late"]}
    assert "No place yet" in text_of(ana.get(PATH, sent))
    assert "Choose at least one" in text_of(ana.post(PATH, sent))


def test_answers_go_where_they_are_asked(world: World) -> None:
    aarhus = world.tenants["Aarhus"].public_id
    prompt = {"label": "Region", "required": True}
    make_variables(
        world.release.project,
        VariableInput("Region", "", prompt=prompt, scope={"Tenant": [aarhus]}),
    )
    release = make_release(world.release.project, "1.1.0")
    asked = release.variable_snapshot.variables[0]["id"]
    path = "projects/web/releases/1.1.0/deploy/several"
    sent = {"environment": [world.test.public_id], "tenant_tag": ["Ring/Early"]}
    ana = Visitor(make_ana())
    assert "Region required" in text_of(ana.get(path, sent))
    refused = ana.post(path, sent)
    assert "Test for Aarhus: The variable 'Region' needs a value." in text_of(refused)
    assert deployed() == []
    assert ana.post(path, {**sent, f"prompt:{asked}": "eu"}).status_code == 302
    rows = Deployment.objects.in_space(default_space()).order_by("tenant_number")
    assert [row.options["form_values"] for row in rows] == [{"Region": "eu"}, {}]


def test_who_may_deploy_is_said(world: World) -> None:
    make_ana()
    ben = make_ben(default_space(), world.production.public_id)
    give_role(ben.user, "userroles-projectviewer", default_space())
    sent = {"environment": [world.test.public_id], "tenant_tag": ["Ring/Early"]}
    page = text_of(Visitor(ben).get(PATH, sent))
    assert "You need the permission DeploymentCreate there. The team Space Managers has it." in page
    assert Visitor(ben).post(PATH, sent).status_code == 400
    assert deployed() == []


def test_reading_does_not_grow_with_tenants(world: World) -> None:
    ana = Visitor(make_ana())
    sent = {"environment": [world.production.public_id], "tenant_tag": ["Ring/Early", "Ring/Late"]}

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert ana.get(PATH, sent).status_code == 200
        return len(queries)

    count()
    before = count()
    for _ in range(5):
        make_tenant(
            "", "Ring/Late", connections={world.release.project: [world.test, world.production]}
        )
    assert count() == before
