"""The page of metrics."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment
from deployments.insights.services.outcomes import count_deployment
from deployments.releases.models import Release
from deployments.server_tasks.models import ServerTask
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def counted(release: Release, environment: Environment, *, state: str) -> None:
    deployment = make_deployment(release, environment, state=state)
    deployment.task.refresh_from_db()
    count_deployment(deployment)


def test_it_counts_what_ended_and_filters_by_the_address() -> None:
    first, second = make_environment("Development"), make_environment("Production")
    lifecycle = make_lifecycle(first, second)
    web = make_project("Web", lifecycle=lifecycle, steps=[script_step()])
    api = make_project("Api", lifecycle=lifecycle, steps=[script_step()])
    ana = Visitor(make_ana())
    assert "No deployments in this time" in text_of(ana.get("insights"))
    counted(make_release(web), first, state="Success")
    counted(make_release(web), first, state="Failed")
    counted(make_release(web), first, state="Canceled")
    counted(make_release(api), first, state="Success")
    assert "33.3 %" in text_of(ana.get("insights"))
    assert "50 %" in text_of(ana.get("insights", {"project": web.public_id}))
    assert "0 %" in text_of(ana.get("insights", {"project": "api"}))
    empty = text_of(ana.get("insights", {"environment": second.public_id, "days": "365"}))
    assert "No deployments in this time" in empty
    assert ana.get("insights", {"project": "Projects-999999999"}).status_code == 404
    lines = ana.get("insights", {"format": "csv"}).content.decode().splitlines()
    assert lines[0] == "Week,Succeeded,Failed"
    assert lines[-1].endswith(",2,1")


def test_people_see_the_numbers_of_what_they_see() -> None:
    first, second = make_environment("Development"), make_environment("Staging")
    project = make_project(lifecycle=make_lifecycle(first, second), steps=[script_step()])
    release = make_release(project)
    counted(release, first, state="Success")
    counted(release, second, state="Failed")
    space = default_space()
    assert "50 %" in text_of(Visitor(make_cleo(space)).get("insights"))
    assert "100 %" in text_of(Visitor(make_ben(space, second.public_id)).get("insights"))
    assert Visitor(make_dan(make_space())).get("insights").status_code == 404


def test_the_number_of_queries_does_not_grow() -> None:
    place = make_environment("Development")
    project = make_project(lifecycle=make_lifecycle(place), steps=[script_step()])
    ana = Visitor(make_ana())

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            ana.get("insights")
        return len(found)

    counted(make_release(project), place, state="Success")
    queries()
    few = queries()
    for _ in range(4):
        other = make_project(lifecycle=project.lifecycle, steps=[script_step()])
        counted(make_release(other), place, state="Failed")
    assert ServerTask.objects.in_space(default_space()).count() == 5
    assert queries() == few <= 25
