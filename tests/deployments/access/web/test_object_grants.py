"""Permissions on one object: given, merged into grants, shown and taken."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.access.grants import load_grants
from deployments.access.models import Team, UserObjectGrant
from deployments.access.permissions import Permission
from deployments.access.spaces import visible_spaces
from tests.factories import default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_group, make_project
from tests.factories.people import as_person, give_role, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "administration/grants"


def test_a_person_gets_one_project_and_loses_it() -> None:
    ana, eve = Visitor(make_ana()), make_user("eve")
    web, other, space = make_project("Web"), make_project("Other"), default_space()
    person = as_person(eve)
    assert not visible_spaces(person.actor).exists()
    sent = {"kind": "project", "thing": web.public_id, "holder": eve.public_id}
    assert ana.post(PAGE, sent).status_code == 400
    wanted = ["ProjectView", "DeploymentCreate"]
    assert ana.post(PAGE, sent | {"permission": wanted}).status_code == 302
    assert "eve DeploymentCreate project Web" in text_of(ana.get(PAGE))
    grants = load_grants(person.actor, space)
    assert grants.allows(Permission.DeploymentCreate, project=web.pk, environment=7)
    assert not grants.allows(Permission.DeploymentCreate, project=other.pk, environment=7)
    assert not grants.allows(Permission.ProjectEdit, project=web.pk)
    assert list(visible_spaces(person.actor)) == [space]
    listed = person.api.get("/api/Spaces-1/projects").json()["Items"]
    assert [row["Id"] for row in listed] == [web.public_id]
    assert eve.has_perm("DeploymentCreate", web)
    assert not eve.has_perm("DeploymentCreate", other)
    why = text_of(ana.get("administration/permissions", {"user": "eve", "q": "DeploymentCreate"}))
    assert "DeploymentCreate Deploy releases projects Web given directly" in why
    grant = UserObjectGrant.objects.get(permission__codename="DeploymentCreate")
    assert ana.post(f"{PAGE}/take", {"holder": "user", "grant": grant.pk}).status_code == 302
    assert not load_grants(person.actor, space).allows(Permission.DeploymentCreate, project=web.pk)
    assert ana.post(f"{PAGE}/take", {"holder": "user", "grant": "x"}).status_code == 404
    taken = "DeploymentCreate on Web was taken from User eve"
    assert taken in text_of(ana.get("administration/audit"))


def test_a_team_gets_a_group_and_every_project_that_comes_to_it() -> None:
    ana, eve = Visitor(make_ana()), make_user("eve")
    group = make_group("Shop")
    team = give_role(eve, "userroles-tenantmanager", default_space()).team
    sent = {"kind": "project_group", "thing": group.public_id, "holder": team.public_id}
    ana.post(PAGE, sent | {"permission": ["ProjectView", "ProjectCreate"]})
    later = make_project("Later", group=group)
    grants = load_grants(as_person(eve).actor, default_space())
    assert grants.allows(Permission.ProjectView, project=later.pk)
    assert grants.allows(Permission.ProjectCreate, project_group=group.pk)
    assert not grants.allows(Permission.ProjectCreate, project_group=group.pk + 1)


def test_nobody_gives_on_an_object_what_they_lack_or_do_not_see() -> None:
    other = make_space()
    ana, cleo = Visitor(make_ana()), Visitor(make_cleo(default_space()))
    dan = Visitor(make_dan(other), other.public_id)
    web, eve = make_project("Web"), make_user("eve")
    elsewhere = make_environment("Elsewhere", other)
    what = {"kind": "project", "thing": web.public_id, "holder": eve.public_id}
    sent = what | {"permission": "ProjectView"}
    assert cleo.post(PAGE, sent).status_code == 403
    assert "You may look only" in text_of(cleo.get(PAGE))
    assert dan.post(PAGE, sent).status_code == 400
    place = {"kind": "environment", "thing": elsewhere.public_id, "holder": eve.public_id}
    assert ana.post(PAGE, place | {"permission": ["EnvironmentView"]}).status_code == 400
    assert ana.post(PAGE, sent | {"permission": "FeedEdit"}).status_code == 400
    assert ana.post(PAGE, sent | {"holder": "Users-999999999"}).status_code == 400
    assert not UserObjectGrant.objects.exists()
    theirs = Team.objects.get(built_in_id=f"teams-spacemanagers-{other.public_id}")
    assert ana.post(PAGE, sent | {"holder": theirs.public_id}).status_code == 400


def test_they_cost_one_query_whatever_their_number() -> None:
    ana, eve = Visitor(make_ana()), make_user("eve")
    actor, counts = as_person(eve).actor, []
    for number in range(1, 5):
        sent = {"kind": "project", "thing": make_project().public_id, "holder": eve.public_id}
        ana.post(PAGE, sent | {"permission": ["ProjectView", "ProcessView"][: number % 2 + 1]})
        with CaptureQueriesContext(connection) as queries:
            held = load_grants(actor, default_space()).assignments
        counts.append(len(queries))
        seen = [one.projects for one in held if Permission.ProjectView in one.permissions]
        assert [len(projects) for projects in seen] == [number]
    assert counts[1:] == counts[:-1]
