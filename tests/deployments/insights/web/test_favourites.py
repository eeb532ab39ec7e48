"""Favourites stand on top of one's own dashboard."""

import pytest

from deployments.insights.models import Favourite
from tests.factories import default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_lifecycle, make_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def test_a_favourite_is_on_top_for_its_person_only() -> None:
    lifecycle = make_lifecycle(make_environment("Development"))
    for name in ("Api", "Web"):
        make_project(name, lifecycle=lifecycle)
    ana, cleo = Visitor(make_ana()), Visitor(make_cleo(default_space()))
    path = "projects/web/favourite"
    answer = ana.post(path, {"on": "on", "query": "q=e"})
    assert answer["Location"] == "/app/Spaces-1/dashboard?q=e"
    ana.post(path, {"on": "on"})
    mine = text_of(ana.get("dashboard"))
    assert mine.index("Favourites") < mine.index("Web") < mine.index("Api")
    assert "Favourites" not in text_of(cleo.get("dashboard"))
    assert Favourite.objects.in_space(default_space()).count() == 1
    ana.post(path)
    assert "Favourites" not in text_of(ana.get("dashboard"))


def test_only_what_one_sees_can_be_one() -> None:
    make_project("Web", lifecycle=make_lifecycle(make_environment("Development")))
    dan = Visitor(make_dan(make_space()))
    assert dan.post("projects/web/favourite", {"on": "on"}).status_code == 404
    assert Visitor(make_ana()).post("projects/nothing/favourite").status_code == 404
