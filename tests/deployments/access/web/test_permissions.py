"""Test permissions: what a user may do, where, and through what."""

import csv
import io

import pytest

from deployments.access.models import Team
from deployments.access.services.object_grants import give_on_object
from tests.factories import SYSTEM, default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_project
from tests.factories.people import as_person, give_role, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "administration/permissions"


def test_each_permission_with_where_and_through_what() -> None:
    ana, user = Visitor(make_ana()), make_user("eve")
    staging, production = make_environment("Staging"), make_environment("Production")
    held = give_role(
        user, "userroles-projectdeployer", default_space(), {"environment": [staging.public_id]}
    )
    page = text_of(ana.get(PAGE, {"user": "EVE", "q": "DeploymentCreate"}))
    assert (
        f"DeploymentCreate Deploy releases environments Staging Project Deployer of {held.team}"
        in page
    )
    assert "Everywhere in the space" in text_of(ana.get(PAGE, {"user": "eve", "q": "ProcessEdit"}))
    asked = {"user": user.public_id, "permission": "DeploymentCreate"}
    yes = text_of(ana.get(PAGE, asked | {"environment": staging.public_id}))
    assert "Yes eve holds DeploymentCreate there." in yes
    no = text_of(ana.get(PAGE, asked | {"environment": production.public_id}))
    assert "No eve holds DeploymentCreate, but not there. The team Space Managers has it." in no
    none = {"user": user.public_id, "permission": "FeedEdit", "environment": staging.public_id}
    page = text_of(ana.get(PAGE, none))
    assert "No team of eve gives FeedEdit in this space." in page
    assert "The environment does not count" in page
    assert ana.get(PAGE, asked | {"project": "Projects-999999999"}).status_code == 404
    assert ana.get(PAGE, {"user": "nobody"}).status_code == 404


def test_the_table_for_spreadsheets_computes_nothing() -> None:
    ana, eve = make_ana(), make_user("eve")
    hidden = make_project("=1+1")
    limits = {"project": [hidden.public_id]}
    team = give_role(eve, "userroles-tenantmanager", default_space(), limits).team
    team.name = "=HYPERLINK(1)"
    team.save()
    answer = Visitor(ana).get(f"{PAGE}.csv", {"user": eve.public_id})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["Permission"] for row in rows] == [
        *("TenantView", "TenantCreate", "TenantEdit", "TenantDelete")
    ]
    assert {row["Team"] for row in rows} == {"'=HYPERLINK(1)"}
    assert {row["Where"] for row in rows} == {"Everywhere in the space"}
    same = ana.api.get(f"/api/users/{eve.public_id}/permissions/export")
    assert same.content == answer.content
    configured = ana.api.get(f"/api/users/{eve.public_id}/permissions/configuration").json()
    assert set(configured["SpacePermissions"]) == {row["Permission"] for row in rows}


def test_everybody_sees_their_own_and_only_some_those_of_others() -> None:
    make_ana()
    other = make_space()
    cleo = Visitor(make_cleo(default_space()))
    assert "Permissions of cleo" in text_of(cleo.get(PAGE))
    assert cleo.get(PAGE, {"user": "ana"}).status_code == 200
    fred = make_user("fred")
    give_role(fred, "userroles-releasecreator", default_space())
    own = Visitor(as_person(fred))
    assert "Project View" not in text_of(own.get(PAGE, {"user": "ana"}))
    assert own.get(PAGE, {"user": "ana"}).status_code == 404
    assert own.get(PAGE).status_code == 200
    dan = make_dan(other)
    assert Visitor(dan).get(PAGE).status_code == 404
    team = Team.objects.get(users=fred)
    give_on_object(
        actor=SYSTEM,
        space=default_space(),
        holder=team,
        kind="environment",
        thing=make_environment().public_id,
        permissions=["MachineView"],
    )
    asked = text_of(own.get(PAGE, {"permission": "FeedEdit"}))
    assert "No team of fred gives FeedEdit in this space." in asked
    assert "Space Managers" not in asked
    assert f"given directly to {team.name}" in asked
    seen = dan.api.get(f"/api/users/{fred.public_id}/permissions").json()
    assert (seen["SpacePermissions"], seen["IsPermissionsComplete"]) == ({}, False)
    assert not seen["IsTeamsComplete"]
