"""Choosing people in forms where there are more than a list can show."""

from unittest.mock import patch

import pytest

from deployments.access.models import UserObjectGrant
from deployments.access.permissions import Permission
from deployments.access.services.object_grants import give_on_object
from tests.factories import default_space, make_ana
from tests.factories.domain import make_project
from tests.factories.people import SYSTEM, give_role, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def test_people_are_found_by_name_where_the_list_is_cut() -> None:
    ana = Visitor(make_ana())
    team = give_role(make_user("zoe"), "userroles-projectviewer", default_space()).team
    for name in ("bea", "cem", "dora"):
        make_user(name)
    make_project("Web")
    pages = ("administration/grants", f"administration/teams/{team.public_id}")
    for path in pages:
        assert "Find people" not in text_of(ana.get(path)), path
    with patch("deployments.access.web.people.MOST", 2):
        for path in pages:
            cut = ana.get(path)
            assert "There are more than the 2 to choose from" in text_of(cut), path
            assert ">dora<" not in cut.content.decode(), path
            found = ana.get(path, {"people": "DOR"})
            assert ">dora<" in found.content.decode(), path
            assert "There are more" not in text_of(found), path
            assert "Nobody that you may see" in text_of(ana.get(path, {"people": "yan"})), path


def test_direct_grants_have_pages() -> None:
    project, ana = make_project("Web"), Visitor(make_ana())
    for number in range(51):
        give_on_object(
            actor=SYSTEM,
            space=default_space(),
            holder=make_user(f"u{number:02}"),
            kind="project",
            thing=project.public_id,
            permissions=[Permission.ProjectView],
        )
    assert UserObjectGrant.objects.count() == 51
    first = text_of(ana.get("administration/grants", {"kind": "project"}))
    assert "u49 ProjectView" in first
    assert "u50 ProjectView" not in first
    assert "u50 ProjectView" in text_of(ana.get("administration/grants", {"page": "2"}))
