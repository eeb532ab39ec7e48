"""The dashboard and the search."""

from dataclasses import dataclass

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment
from deployments.insights.services.configuration import ConfigurationInput, configure_dashboard
from deployments.projects.models import Lifecycle, Project
from deployments.projects.queries import process_of
from deployments.releases.models import Release
from deployments.releases.services.defects import report_defect
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
    make_group,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
    script_step,
)
from tests.factories.runbooks import make_runbook
from tests.factories.tenants import make_tag_set, make_tenant, make_tenanted_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


@dataclass
class World:
    development: Environment
    staging: Environment
    lifecycle: Lifecycle
    project: Project


@pytest.fixture
def world() -> World:
    development, staging = make_environment("Development"), make_environment("Staging")
    lifecycle = make_lifecycle(development, staging)
    project = make_project("Web", lifecycle=lifecycle, steps=[script_step()])
    return World(development, staging, lifecycle, project)


def test_an_empty_space_says_what_comes_first() -> None:
    ana = Visitor(make_ana())
    assert "No environments yet" in text_of(ana.get("dashboard"))
    make_environment("Development")
    assert "No projects yet" in text_of(ana.get("dashboard"))


def test_it_shows_what_is_where_and_what_may_go_next(world: World) -> None:
    release = make_release(world.project, "1.0.0")
    ana = Visitor(make_ana())
    assert "Deploy 1.0.0 to Development" in ana.get("dashboard").content.decode()
    deployment = make_deployment(release, world.development, state="Success")
    page = ana.get("dashboard").content.decode()
    assert "Deploy 1.0.0 to Staging" in page
    assert f"/app/Spaces-1/tasks/{deployment.task.public_id}" in page
    make_deployment(release, world.staging, state="Failed")
    page = text_of(ana.get("dashboard"))
    assert "Failing 1" in page
    assert "Failed" in page


def test_filters_and_tabs_are_in_the_address(world: World) -> None:
    make_project("Ledger", lifecycle=world.lifecycle, group=make_group("Payments"))
    make_deployment(make_release(world.project), world.development, state="Failed")
    ana = Visitor(make_ana())
    assert "Ledger" not in text_of(ana.get("dashboard", {"q": "web"}))
    assert "Ledger" not in text_of(ana.get("dashboard", {"show": "failing"}))
    group = make_group("Empty").public_id
    assert "No project fits" in text_of(ana.get("dashboard", {"group": group}))
    page = ana.get("dashboard", {"environment": world.staging.public_id}).content.decode()
    assert '<span class="track">Staging</span>' in page
    assert '<span class="track">Development</span>' not in page


def test_a_poll_gets_the_board_alone(world: World) -> None:
    answer = Visitor(make_ana()).get("dashboard", headers={"HX-Target": "board"})
    assert answer.content.decode().lstrip().startswith('<div id="board"')


def test_it_offers_only_what_the_reader_may_do(world: World) -> None:
    release = make_release(world.project, "1.0.0")
    make_deployment(release, world.development, state="Success")
    ben = Visitor(make_ben(default_space(), world.staging.public_id))
    assert "Deploy 1.0.0 to Staging" in ben.get("dashboard").content.decode()
    cleo = Visitor(make_cleo(default_space()))
    page = cleo.get("dashboard").content.decode()
    assert "1.0.0" in page
    assert "Deploy 1.0.0" not in page
    assert "Add project" not in page


def test_it_does_not_exist_for_people_of_other_spaces(world: World) -> None:
    dan = Visitor(make_dan(make_space()))
    assert dan.get("dashboard").status_code == 404
    assert Visitor().get("dashboard").status_code == 302


def test_the_number_of_queries_does_not_grow(world: World) -> None:
    ana = Visitor(make_ana())
    make_deployment(make_release(world.project), world.development, state="Success")
    ana.get("dashboard")
    with CaptureQueriesContext(connection) as few:
        ana.get("dashboard")
    for _ in range(5):
        project = make_project(lifecycle=make_lifecycle(world.development, world.staging))
        make_deployment(make_release(project), world.development, state="Success") if process_of(
            project
        ).steps else make_release(project)
    with CaptureQueriesContext(connection) as many:
        ana.get("dashboard")
    assert len(many) == len(few) <= 25


def test_ready_to_deploy_has_the_projects_of_which_something_may_go_next(world: World) -> None:
    production = make_environment("Production")
    lifecycle = make_lifecycle(world.development, world.staging, production)

    def project(name: str) -> Project:
        return make_project(name, lifecycle=lifecycle, steps=[script_step()])

    def deployed(release: Release, *environments: Environment) -> Release:
        for environment in environments:
            make_deployment(release, environment, state="Success")
        return release

    deployed(make_release(project("Newest")), world.development)
    everywhere = (world.development, world.staging, production)
    deployed(make_release(project("Done")), *everywhere)
    older = project("Older")
    deployed(make_release(older, "1.0.0"), world.development, world.staging)
    blocked = deployed(make_release(older, "2.0.0"), world.development)
    report_defect(actor=SYSTEM, release=blocked, description="Loses orders")
    ana = Visitor(make_ana())
    page = ana.get("dashboard", {"show": "deployable"}).content.decode()
    assert "Deploy 1.0.0 to Production" in page
    assert ">Newest</a>" in page
    assert ">Done</a>" not in page
    assert "Ready to deploy 2" in text_of(ana.get("dashboard", {"show": "deployable"}))
    cleo = Visitor(make_cleo(default_space()))
    assert "No project fits" in text_of(cleo.get("dashboard", {"show": "deployable"}))
    with CaptureQueriesContext(connection) as few:
        ana.get("dashboard", {"show": "deployable"})
    for name in ("A", "B", "C"):
        deployed(make_release(project(name)), world.development)
    with CaptureQueriesContext(connection) as many:
        ana.get("dashboard", {"show": "deployable"})
    # The older releases take nine queries more, whatever their number.
    assert len(many) == len(few) <= 43


def test_narrowing_costs_the_same_for_any_number_of_projects_and_tenants(world: World) -> None:
    make_tag_set("Region", "North")
    person = make_ana()
    ana = Visitor(person)
    configuration = ConfigurationInput(
        environments=[world.development.public_id, world.staging.public_id],
        tenant_tags=["Region/North"],
    )
    configure_dashboard(actor=person.actor, space=default_space(), configuration=configuration)
    counts: list[int] = []
    for before, number in ((0, 1), (1, 5)):
        for _ in range(number):
            shop = make_tenanted_project(lifecycle=world.lifecycle, steps=[script_step()])
            tenant = make_tenant("", "Region/North", connections={shop: [world.development]})
            row = make_release(shop)
            make_deployment(row, world.development, tenant=tenant, state="Success")
        with CaptureQueriesContext(connection) as captured:
            page = ana.get("dashboard", {"tag": "Region/North"})
        assert text_of(page).count("Succeeded") == before + number
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 32


def test_search_finds_each_kind(world: World) -> None:
    make_machine(world.staging, name="web-01")
    deployment = make_deployment(make_release(world.project, "7.3.0"), world.development)
    ana = Visitor(make_ana())
    page = ana.get("search", {"q": "web"}).content.decode()
    assert "/projects/web" in page
    assert "web-01" in page
    assert "/projects/web/releases/7.3.0" in ana.get("search", {"q": "7.3"}).content.decode()
    assert "Staging" in text_of(ana.get("search", {"q": "stag"}))
    make_tenant("Webbing Ltd")
    book = make_runbook(world.project, "Restart web")
    page = ana.get("search", {"q": "web"}).content.decode()
    assert "/tenants/webbing-ltd" in page
    assert f"/projects/web/runbooks/{book.slug}" in page
    task = deployment.task.public_id
    assert ana.get("search", {"q": task.lower()})["Location"] == f"/app/Spaces-1/tasks/{task}"
    assert "Nothing found" in text_of(ana.get("search", {"q": "zzz"}))
    assert "Type a name" in text_of(ana.get("search"))


def test_search_shows_only_what_the_reader_may_see(world: World) -> None:
    other = make_space()
    dan = Visitor(make_dan(other), other.public_id)
    assert "Nothing found" in text_of(dan.get("search", {"q": "web"}))
    ben = Visitor(make_ben(default_space(), world.staging.public_id))
    assert "Nothing found" in text_of(ben.get("search", {"q": "Development"}))


def test_tags_in_the_address_narrow_to_their_tenants(world: World) -> None:
    make_tag_set("Region", "North", "South")
    shop = make_tenanted_project("Shop", lifecycle=world.lifecycle, steps=[script_step()])
    places = {shop: [world.development]}
    north = make_tenant("Ash", "Region/North", connections=places)
    south = make_tenant("Birch", "Region/South", connections=places)
    for version, tenant in (("1.0.0", north), ("2.0.0", south)):
        row = make_release(shop, version)
        make_deployment(row, world.development, tenant=tenant, state="Success")
    ana = Visitor(make_ana())
    everything = text_of(ana.get("dashboard"))
    assert ("2.0.0" in everything, "1/2 tenants have it" in everything) == (True, True)
    page = text_of(ana.get("dashboard", {"tag": "region/north"}))
    assert ("1.0.0" in page, "2.0.0" in page) == (True, False)
    assert "1/1 tenants have it" in page
    assert "Shop" in page
    assert "Web" not in page


def test_one_chooses_what_the_own_dashboard_shows(world: World) -> None:
    make_project("Ledger", lifecycle=world.lifecycle, group=make_group("Payments"))
    ana, cleo = Visitor(make_ana()), Visitor(make_cleo(default_space()))
    sent = {"projects": "ledger", "environments": [world.staging.public_id], "limit": ""}
    ana.post("dashboard/configure", sent)
    page = text_of(ana.get("dashboard"))
    assert "You see what your configuration shows." in page
    assert ("Ledger" in page, "Web" in page) == (True, False)
    assert '<span class="track">Development</span>' not in ana.get("dashboard").content.decode()
    assert "Web" in text_of(ana.get("dashboard", {"all": "1"}))
    assert "Web" in text_of(cleo.get("dashboard"))
    assert 'value="Ledger"' in ana.get("dashboard/configure").content.decode()
    ana.post("dashboard/configure", {"do": "all"})
    assert "Web" in text_of(ana.get("dashboard"))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("projects", "Nothing", "There is no &#x27;Nothing&#x27; that you may see."),
        ("limit", "many", "&#x27;many&#x27; is not a number."),
        ("limit", "0", "a number from 1 to"),
    ],
)
def test_a_wrong_choice_is_told(world: World, name: str, value: str, problem: str) -> None:
    ana = Visitor(make_ana())
    answer = ana.post("dashboard/configure", {name: value})
    assert answer.status_code in {200, 400, 422}
    assert problem in answer.content.decode()


def test_a_wall_shows_what_needs_somebody_first_and_offers_nothing(world: World) -> None:
    quiet = make_project("Api", lifecycle=world.lifecycle, steps=[script_step()])
    make_deployment(make_release(quiet, "1.0.0"), world.development, state="Success")
    make_deployment(make_release(world.project, "2.0.0"), world.development, state="Failed")
    ana = Visitor(make_ana())
    page = ana.get("dashboard", {"view": "wall"})
    text, source = text_of(page), page.content.decode()
    assert text.index("Web") < text.index("Api")
    for words in ("1 Failing", "0 Waiting for a person", "0 Running", "1 In order"):
        assert words in text
    assert "Deploy 1.0.0" not in source
    assert '<nav class="main-nav"' not in source
    part = ana.get("dashboard", {"view": "wall"}, headers={"HX-Target": "wall"}).content.decode()
    assert part.startswith('<div id="wall"')
    assert 'hx-get="?view=wall"' in part
    assert "view=wall" in ana.get("dashboard").content.decode()


def test_a_wall_has_only_what_its_reader_may_see(world: World) -> None:
    make_deployment(make_release(world.project, "2.0.0"), world.development, state="Failed")
    ben = Visitor(make_ben(default_space(), world.staging.public_id))
    text = text_of(ben.get("dashboard", {"view": "wall"}))
    assert "Development" not in text
    assert "0 Failing" in text
    assert "2.0.0" in text_of(Visitor(make_cleo(default_space())).get("dashboard?view=wall"))
    assert Visitor(make_dan(make_space())).get("dashboard", {"view": "wall"}).status_code == 404
