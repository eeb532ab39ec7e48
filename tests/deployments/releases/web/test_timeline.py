"""What was deployed from a project to one environment."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.releases.models import Deployment
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.factories.people import make_holder
from tests.factories.tenants import connect, make_tenant, make_tenanted_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def test_it_shows_what_is_there_and_the_way_back() -> None:
    first, second = make_environment("Development"), make_environment("Staging")
    project = make_project("Web", lifecycle=make_lifecycle(first, second), steps=[script_step()])
    ana = Visitor(make_ana())
    path = f"projects/web/environments/{first.slug}"
    assert "Nothing was deployed yet" in text_of(ana.get(path))
    one, two, three = (make_release(project) for _ in range(3))
    make_deployment(one, first, state="Success")
    make_deployment(two, first, state="Failed")
    newest = make_deployment(three, first, state="Success")
    make_deployment(one, second, state="Success")
    text = text_of(ana.get(path))
    assert "0.0.3 here now" in text
    assert "0.0.1 the one to go back to" in text
    assert "0.0.2 Failed" in text
    assert text.count("Deploy again") == 2
    page = ana.get(path).content.decode()
    assert f"/releases/0.0.3/deploy?again={newest.public_id}" in page
    assert f"/tasks/{newest.task.public_id}" in page
    assert f'/projects/{project.public_id}/environments/{second.slug}"' in page
    failed = text_of(ana.get(path, {"outcome": "failed"}))
    assert "0.0.2" in failed
    assert "0.0.3" not in failed
    assert "No such deployment" in text_of(
        ana.get(f"projects/web/environments/{second.slug}", {"outcome": "failed"})
    )
    overview = ana.get("projects/web").content.decode()
    assert f'/projects/{project.public_id}/environments/{first.slug}"' in overview


def test_each_tenant_has_its_own() -> None:
    place = make_environment("Production")
    project = make_tenanted_project("Shop", lifecycle=make_lifecycle(place), steps=[script_step()])
    one, two = make_release(project), make_release(project)
    aarhus, bergen = make_tenant("Aarhus"), make_tenant("Bergen")
    for tenant in (aarhus, bergen):
        connect(tenant, project, place)
    for release, tenant in ((one, aarhus), (one, bergen), (two, bergen)):
        make_deployment(release, place, state="Success", tenant=tenant)
    ana, path = Visitor(make_ana()), f"projects/shop/environments/{place.slug}"
    everyone = text_of(ana.get(path))
    assert "Aarhus" in everyone
    assert "here now" not in everyone
    mine = ana.get(path, {"tenant": aarhus.public_id})
    assert "0.0.1 here now" in text_of(mine)
    assert "0.0.2" not in text_of(mine)
    again = Deployment.objects.in_space(place.space).get(tenant_number=aarhus.pk).public_id
    assert f"/releases/0.0.1/deploy?again={again}" in mine.content.decode()
    assert "0.0.1 the one to go back to" in text_of(ana.get(path, {"tenant": bergen.public_id}))
    views = ("DeploymentView", "ProjectView", "EnvironmentView", "ReleaseView")
    unseen = text_of(Visitor(make_holder(default_space(), *views)).get(path))
    assert "0.0.2" in unseen
    assert "Aarhus" not in unseen
    assert "here now" not in unseen


def test_people_see_what_they_may() -> None:
    first, second = make_environment("Development"), make_environment("Staging")
    project = make_project("Web", lifecycle=make_lifecycle(first, second), steps=[script_step()])
    make_deployment(make_release(project), first, state="Success")
    path = f"projects/web/environments/{first.slug}"
    space = default_space()
    cleo = Visitor(make_cleo(space))
    assert "0.0.1" in text_of(cleo.get(path))
    assert "Redeploy" not in text_of(cleo.get(path))
    ben = Visitor(make_ben(space, second.public_id))
    assert ben.get(path).status_code == 404
    assert ben.get(f"projects/web/environments/{second.slug}").status_code == 200
    assert Visitor(make_dan(make_space())).get(path).status_code == 404


def test_the_number_of_queries_does_not_grow() -> None:
    place = make_environment("Development")
    project = make_project("Web", lifecycle=make_lifecycle(place), steps=[script_step()])
    ana = Visitor(make_ana())

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            ana.get(f"projects/web/environments/{place.slug}")
        return len(found)

    make_deployment(make_release(project), place, state="Success")
    queries()
    few = queries()
    for _ in range(5):
        make_deployment(make_release(project), place, state="Success")
    assert queries() == few <= 25
