"""The audit page."""

import pytest

from tests.factories import default_space, make_ana, make_cleo
from tests.factories.domain import make_environment, make_project
from tests.factories.people import make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "administration/audit"


def test_events_are_filtered() -> None:
    project = make_project("Storefront")
    make_environment("Staging")
    ana = Visitor(make_ana())
    assert "Environment Staging was created" in text_of(ana.get(PAGE))
    about = text_of(ana.get(PAGE, {"about": project.public_id}))
    assert "Project Storefront was created" in about
    assert "Environment Staging" not in about
    assert "signed in" in text_of(ana.get(PAGE, {"kind": "LoginSucceeded"}))
    assert "No events" in text_of(ana.get(PAGE, {"user": "nobody"}))


def test_people_are_suggested_while_a_name_is_typed() -> None:
    ana = make_ana()
    for number in range(25):
        make_user(f"dora{number:02}")
    zoe = make_user("zoe")
    visitor = Visitor(ana)
    names = f"{PAGE}/people"
    assert visitor.get(names, {"user": "ZO"}).content.decode().count('value="zoe"') == 1
    assert visitor.get(names, {"user": "dora"}).content.decode().count("<option") == 20
    chosen = visitor.get(PAGE, {"person": zoe.public_id}).content.decode()
    assert f'name="person" value="{zoe.public_id}" checked' in chosen
    assert "By zoe" in chosen


def test_older_events_come_by_cursor() -> None:
    for _ in range(60):
        make_environment()
    ana = Visitor(make_ana())
    first = ana.get(PAGE)
    older = first.context["older"]
    assert len(first.context["events"]) == 50
    second = ana.get(PAGE, {"before": older})
    assert all(event.pk < older for event in second.context["events"])
    assert ana.get(PAGE, {"before": "x" * 40}).status_code == 200


def test_cleo_sees_no_events_of_the_server() -> None:
    cleo = Visitor(make_cleo(default_space()))
    answer = cleo.get(PAGE)
    if answer.status_code == 200:
        assert "signed in" not in text_of(answer)
    else:
        assert answer.status_code == 403
