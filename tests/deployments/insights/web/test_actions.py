"""The search offers to do what was typed, as far as the reader may."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.factories.tenants import make_tenanted_project
from tests.support.portal import Visitor

pytestmark = pytest.mark.django_db
_ACTION = re.compile(r'<a href="/app/Spaces-1/([^"]*)" data-act>([^<]*)</a>')


@pytest.fixture
def places() -> list[Environment]:
    return [make_environment("Development"), make_environment("Staging")]


@pytest.fixture
def web(places: list[Environment]) -> Project:
    project = make_project("Web", lifecycle=make_lifecycle(*places), steps=[script_step()])
    old, new = make_release(project, "1.0.0"), make_release(project, "2.0.0")
    make_deployment(old, places[0], state="Success")
    make_deployment(new, places[0], state="Success")
    return project


def actions(visitor: Visitor, text: str) -> dict[str, str]:
    page = visitor.get("search", {"q": text}).content.decode()
    return {label: path for path, label in _ACTION.findall(page)}


def test_what_may_go_next_is_offered(web: Project, places: list[Environment]) -> None:
    ana = Visitor(make_ana())
    query = f"?environment={places[1].public_id}"
    expected = {"Deploy Web 2.0.0 to Staging": f"projects/web/releases/2.0.0/deploy{query}"}
    assert actions(ana, "deploy web to stag") == expected
    assert actions(ana, "deploy web") == expected
    older = {"Deploy Web 1.0.0 to Staging": f"projects/web/releases/1.0.0/deploy{query}"}
    assert actions(ana, "promote web 1.0.0 to staging") == older
    assert list(actions(ana, "deploy web to development")) == ["Deploy Web 2.0.0 to Development"]
    assert actions(ana, "deploy web to nowhere") == {}
    make_deployment(web.releases.get(version="2.0.0"), places[1], state="Success")
    assert list(actions(ana, "deploy web")) == ["Deploy Web 2.0.0"]
    assert actions(ana, "web") == {}
    for path in expected.values():
        assert ana.get(path).status_code == 200


def test_releases_runbooks_and_places(web: Project) -> None:
    ana = Visitor(make_ana())
    assert actions(ana, "new release web") == {
        "Create a release of Web": "projects/web/releases/create"
    }
    assert actions(ana, "go to web variables") == {
        "Go to Variables of Web": "projects/web/variables"
    }
    assert actions(ana, "go to web") == {"Go to Web": "projects/web"}
    assert actions(ana, "open audit") == {"Go to Audit": "administration/audit"}
    assert actions(ana, "go to tasks") == {"Go to Tasks": "tasks"}


def test_tenants_are_chosen_on_the_page(places: list[Environment]) -> None:
    shop = make_tenanted_project("Shop", lifecycle=make_lifecycle(*places), steps=[script_step()])
    make_release(shop, "1.0.0")
    (path,) = actions(Visitor(make_ana()), "deploy shop to development").values()
    assert path == f"projects/shop/releases/1.0.0/deploy/several?environment={places[0].public_id}"


def test_people_are_offered_what_they_may(web: Project, places: list[Environment]) -> None:
    ben = Visitor(make_ben(default_space(), places[1].public_id))
    assert list(actions(ben, "deploy web")) == ["Deploy Web 2.0.0 to Staging"]
    assert actions(ben, "deploy web to development") == {}
    assert actions(ben, "deploy web 1.0.0 to development") == {}
    cleo = Visitor(make_cleo(default_space()))
    assert actions(cleo, "deploy web to staging") == {}
    assert actions(cleo, "new release web") == {}
    assert actions(cleo, "go to web") == {"Go to Web": "projects/web"}
    assert Visitor(make_dan(make_space())).get("search", {"q": "deploy web"}).status_code == 404


def test_the_number_of_queries_does_not_grow(web: Project, places: list[Environment]) -> None:
    ana = Visitor(make_ana())
    ana.get("search", {"q": "deploy"})

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            ana.get("search", {"q": "deploy e"})
        return len(found)

    few = queries()
    for number in range(3):
        other = make_project(f"Extra {number}", lifecycle=web.lifecycle, steps=[script_step()])
        make_deployment(make_release(other, "1.0.0"), places[0], state="Success")
    assert queries() == few
