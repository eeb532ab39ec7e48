"""Teams, the roles they hold and roles of one's own, in the portal."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.access import services
from deployments.access.models import ScopedUserRole, Team, UserRole
from tests.factories import SYSTEM, default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_project
from tests.factories.people import give_role, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
TEAMS, ROLES = "administration/teams", "administration/roles"


def test_a_team_gets_members_and_a_role_within_limits_and_goes() -> None:
    ana, eve = Visitor(make_ana()), make_user("eve")
    staging, web = make_environment("Staging"), make_project("Web")
    refused = ana.post(f"{TEAMS}/new", {"name": " ", "level": "space"})
    assert refused.status_code == 400
    made = ana.post(f"{TEAMS}/new", {"name": "Web people", "level": "space"})
    team = Team.objects.get(name="Web people")
    assert (made["Location"], team.space) == (
        f"/app/Spaces-1/{TEAMS}/{team.public_id}",
        default_space(),
    )
    own = f"{TEAMS}/{team.public_id}"
    ana.post(own, {"name": "Web people", "added": [eve.public_id]})
    assert list(team.users.all()) == [eve]
    ana.post(own, {"name": "Shop people", "member": [eve.public_id]})
    again = ana.post(f"{TEAMS}/new", {"name": "Web people", "level": "space"})
    assert again.status_code == 302
    assert Team.objects.filter(name__in=["Shop people", "Web people"]).count() == 2
    deployer = {"role": "userroles-projectdeployer", "environment": [staging.public_id]}
    assert ana.post(f"{own}/roles/new", deployer).status_code == 302
    held = ScopedUserRole.objects.get(team=team)
    shown = text_of(ana.get(own))
    assert "Project Deployer environments Staging" in shown
    assert "permissions of the role cannot be limited by environments" in shown
    change = f"{own}/roles/{held.public_id}"
    assert "Staging" in text_of(ana.get(change))
    ana.post(change, {"role": "userroles-projectviewer", "project": [web.public_id]})
    assert "Project Viewer projects Web" in text_of(ana.get(own))
    assert ana.post(change, {"role": "userroles-nothing"}).status_code == 400
    wrong = {"role": "userroles-projectviewer", "project": ["Projects-999999999"]}
    assert "There is no project" in text_of(ana.post(change, wrong))
    ana.post(f"{change}/delete")
    assert "Without a role the team gives its members nothing" in text_of(ana.get(own))
    ana.post(f"{own}/delete")
    assert not Team.objects.filter(pk=team.pk).exists()


def test_teams_are_found_by_their_name_and_by_their_members() -> None:
    ana = Visitor(make_ana())
    for name, member in (("Web people", "eve"), ("Shop people", "oscar")):
        give_role(make_user(member), "userroles-projectviewer", default_space())
        team = Team.objects.get(users__username=member)
        Team.objects.filter(pk=team.pk).update(name=name)
    for text, shown, hidden in (
        ("web P", "Web people", "Shop people"),
        ("OSCAR", "Shop people", "Web people"),
    ):
        page = text_of(ana.get(TEAMS, {"q": text}))
        assert f"{shown} {'eve' if shown == 'Web people' else 'oscar'} Project Viewer" in page
        assert hidden not in page
    assert "No team fits" in text_of(ana.get(TEAMS, {"q": "100%"}))


def test_a_page_of_teams_takes_the_same_queries_however_many_there_are() -> None:
    ana = Visitor(make_ana())
    ana.get(TEAMS)
    counts = []
    for round_number in range(2):
        for number in range(40):
            name = f"Team {round_number} {number:02}"
            services.create_team(actor=SYSTEM, space=default_space(), name=name)
        with CaptureQueriesContext(connection) as queries:
            answer = ana.get(TEAMS)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20
    assert b'rel="next"' in answer.content


def test_built_in_teams_keep_name_role_and_a_member() -> None:
    ana = Visitor(make_ana())
    own = f"{TEAMS}/teams-administrators"
    shown = text_of(ana.get(own))
    assert "System Administrator At system level" in shown
    assert "Take away" not in shown
    assert ana.post(own, {"description": "Few"}).status_code == 400
    assert "needs at least one member" in text_of(ana.post(own, {"description": "Few"}))
    ana.post(f"{own}/delete")
    assert Team.objects.filter(built_in_id="teams-administrators").exists()


def test_teams_of_the_server_hold_roles_of_both_levels() -> None:
    ana = Visitor(make_ana())
    ana.post(f"{TEAMS}/new", {"name": "Operators", "level": "server"})
    team = Team.objects.get(name="Operators")
    for role in ("userroles-systemmanager", "userroles-environmentviewer"):
        ana.post(f"{TEAMS}/{team.public_id}/roles/new", {"role": role})
    spaces = {row.role.name: row.space for row in ScopedUserRole.objects.filter(team=team)}
    assert spaces == {"System Manager": None, "Environment Viewer": default_space()}


def test_who_looks_only_changes_nothing() -> None:
    make_ana()
    cleo = Visitor(make_cleo(default_space()))
    own = f"{TEAMS}/teams-spacemanagers-Spaces-1"
    page = text_of(cleo.get(own))
    assert "You may look only" in page
    assert "The team Space Managers has it." in page
    assert cleo.post(own, {"description": "Mine"}).status_code == 403
    assert cleo.get(f"{own}/roles/new").status_code == 403
    assert cleo.get(f"{TEAMS}/new").status_code == 403
    assert cleo.get(f"{ROLES}/new").status_code == 403
    assert cleo.get(f"{ROLES}/userroles-projectlead").status_code == 200
    assert cleo.post(f"{ROLES}/userroles-projectlead", {"name": "X"}).status_code == 403


def test_managers_of_a_space_do_not_reach_teams_of_another_or_of_the_server() -> None:
    other = make_space()
    dan, ana_user = Visitor(make_dan(other), other.public_id), make_ana().user
    theirs = give_role(ana_user, "userroles-projectviewer", default_space()).team
    assert dan.get(f"{TEAMS}/{theirs.public_id}").status_code == 404
    assert dan.get(f"{TEAMS}/teams-administrators").status_code == 200
    assert dan.post(f"{TEAMS}/teams-administrators", {"description": "x"}).status_code == 403
    assert "Create role" not in text_of(dan.get(ROLES))


def test_a_role_of_ones_own_begins_as_a_copy() -> None:
    ana = Visitor(make_ana())
    copied = ana.get(f"{ROLES}/new", {"copy": "userroles-tenantmanager"}).content.decode()
    assert 'value="TenantDelete" checked' in copied
    sent = {"name": "Tenant keeper", "space_permissions": ["TenantView", "TenantEdit"]}
    ana.post(f"{ROLES}/new", sent)
    role = UserRole.objects.get(name="Tenant keeper")
    assert role.space_permissions == ["TenantEdit", "TenantView"]
    own = f"{ROLES}/{role.public_id}"
    assert "Tenant keeper" in text_of(ana.get(ROLES))
    assert ana.post(own, {"name": "Keeper", "space_permissions": ["Nothing"]}).status_code == 400
    ana.post(own, {"name": "Keeper", "space_permissions": ["TenantView"]})
    role.refresh_from_db()
    assert (role.name, role.space_permissions) == ("Keeper", ["TenantView"])
    give_role(make_user(), "userroles-projectviewer", default_space())
    team = Team.objects.order_by("-pk")[0]
    ana.post(f"{TEAMS}/{team.public_id}/roles/new", {"role": role.public_id})
    assert "while teams hold it" in text_of(ana.post(f"{own}/delete") and ana.get(own))
    ScopedUserRole.objects.filter(role=role).delete()
    ana.post(f"{own}/delete")
    assert not UserRole.objects.filter(pk=role.pk).exists()
    assert ana.post(f"{ROLES}/userroles-projectviewer", {"name": "X"}).status_code == 400
