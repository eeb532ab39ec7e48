"""Nobody gives what they do not hold: by a role, by membership, by changing a role."""

from typing import Any

import pytest

from deployments.access.grant_cover import covers
from deployments.access.grant_rules import Assignment, Grants
from deployments.access.models import ScopedUserRole, Team, TeamObjectGrant
from deployments.access.services.object_grants import give_on_object
from tests.deployments.calls import send
from tests.factories import SYSTEM, Person, default_space, make_ana
from tests.factories.domain import make_environment, make_project
from tests.factories.people import as_person, give_role, make_user
from tests.support.cases import case_name, cases

DEPLOYER, VIEWER = "userroles-projectdeployer", "userroles-projectviewer"


def held(permission: str, limits: dict[str, Any]) -> Assignment:
    values = {name: frozenset(numbers) for name, numbers in limits.items()}
    return Assignment(
        permissions=frozenset({permission}),
        limits_projects=bool(limits.keys() & {"projects", "project_groups"}),
        limits_environments="environments" in limits,
        limits_tenants=bool(limits.keys() & {"tenants", "tenant_tags"}),
        **values,
    )


@pytest.mark.parametrize("case", cases("permissions", "giving"), ids=case_name)
def test_what_may_be_given(case: dict[str, Any]) -> None:
    permission = case["permission"]
    grants = Grants(tuple(held(permission, limits) for limits in case["held"]))
    assert covers(grants, held(permission, case["given"]), permission) is case["may"]


def make_team_keeper(*environments: str) -> Person:
    """Create somebody who edits teams and deploys to the environments."""
    ana, user = make_ana(), make_user("tess")
    body = {"Name": "Team keeper", "GrantedSpacePermissions": ["TeamView", "TeamEdit"]}
    status, made = send(ana, "post", "/api/userroles", body)
    assert status == 201, made
    held = give_role(user, VIEWER, default_space())
    keeps = {"TeamId": held.team.public_id, "UserRoleId": made["Id"], "SpaceId": "Spaces-1"}
    status, made = send(ana, "post", "/api/scopeduserroles", keeps)
    assert status == 201, made
    give_role(user, DEPLOYER, default_space(), {"environment": environments})
    return as_person(user)


@pytest.mark.django_db
def test_a_role_is_given_as_far_as_one_holds_it_oneself() -> None:
    staging, production = make_environment(), make_environment()
    tess = make_team_keeper(staging.public_id)
    team = give_role(make_user(), VIEWER, default_space()).team
    body = {"TeamId": team.public_id, "UserRoleId": DEPLOYER, "SpaceId": "Spaces-1"}
    statuses = [
        send(tess, "post", "/api/scopeduserroles", body | {"EnvironmentIds": ids})[0]
        for ids in ([staging.public_id], [production.public_id], [])
    ]
    assert statuses == [201, 403, 403]
    manager = body | {"UserRoleId": "userroles-spacemanager"}
    status, answer = send(tess, "post", "/api/scopeduserroles", manager)
    assert status == 403
    assert "Missing permission" in answer["ErrorMessage"]


@pytest.mark.django_db
def test_nobody_joins_a_team_that_may_do_more() -> None:
    tess = make_team_keeper(make_environment().public_id)
    path = "/api/teams/teams-spacemanagers-Spaces-1"
    team = send(tess, "get", path)[1]
    joined = team | {"MemberUserIds": [*team["MemberUserIds"], tess.user.public_id]}
    assert send(tess, "put", path, joined)[0] == 403
    assert send(tess, "put", path, team | {"Description": "Looks after it"})[0] == 200
    own = give_role(make_user(), VIEWER, default_space()).team
    body = {"Name": own.name, "MemberUserIds": [tess.user.public_id]}
    assert send(tess, "put", f"/api/teams/{own.public_id}", body)[0] == 200
    wrong = {"Name": own.name, "MemberUserIds": ["Users-999999999"]}
    assert send(tess, "put", f"/api/teams/{own.public_id}", wrong)[0] == 400


@pytest.mark.django_db
def test_nobody_joins_a_team_that_was_given_more_on_one_object() -> None:
    tess, space = make_team_keeper(make_environment().public_id), default_space()
    team, web = give_role(make_user(), VIEWER, space).team, make_project("Web")
    body = {"Name": team.name, "MemberUserIds": [tess.user.public_id]}
    give_on_object(
        actor=SYSTEM,
        space=space,
        holder=team,
        kind="project",
        thing=web.public_id,
        permissions=["ProjectView", "ReleaseDelete"],
    )
    status, answer = send(tess, "put", f"/api/teams/{team.public_id}", body)
    assert status == 403
    assert "ReleaseDelete" in answer["ErrorMessage"]
    TeamObjectGrant.objects.get(permission__codename="ReleaseDelete").delete()
    assert send(tess, "put", f"/api/teams/{team.public_id}", body)[0] == 200


@pytest.mark.django_db
def test_a_role_of_teams_does_not_grow_by_somebody_who_lacks_it() -> None:
    ana, keeper = make_ana(), make_user("rory")
    role = send(ana, "post", "/api/userroles", {"Name": "Looker"})[1]
    looker = role | {"GrantedSpacePermissions": ["ProjectView"]}
    path = f"/api/userroles/{role['Id']}"
    assert send(ana, "put", path, looker)[0] == 200
    team = Team.objects.get(built_in_id="teams-everyone")
    body = {"TeamId": team.public_id, "UserRoleId": role["Id"], "SpaceId": "Spaces-1"}
    assert send(ana, "post", "/api/scopeduserroles", body)[0] == 201
    give_role(keeper, "userroles-systemmanager", None)
    rory = as_person(keeper)
    wider = looker | {"GrantedSpacePermissions": ["ProjectView", "FeedEdit"]}
    assert send(rory, "put", path, wider)[0] == 403
    assert send(rory, "put", path, looker | {"Description": "Looks"})[0] == 200
    assert send(ana, "put", path, wider)[0] == 200


@pytest.mark.django_db
def test_no_role_and_no_team_looks_like_another() -> None:
    ana = make_ana()
    for name in ("Project Viewer", "ProjectViewer"):
        assert send(ana, "post", "/api/teams", {"Name": name})[0] == 201
    wide, blank, unseen = "\uff30roject Viewer", "Project\u2003 Viewer", "Project View\u200ber"
    for looks in (" project viewer", wide, blank, unseen):
        for path in ("/api/userroles", "/api/teams"):
            status, answer = send(ana, "post", path, {"Name": looks})
            assert (status, "already exists" in answer["Details"]["Name"][0]) == (400, True)
    assert send(ana, "post", "/api/userroles", {"Name": "\u200b"})[0] == 400


@pytest.mark.django_db
def test_limits_are_things_that_the_giver_sees_and_hidden_ones_stay() -> None:
    seen, hidden = make_project(), make_project()
    tess = make_team_keeper(make_environment().public_id)
    ScopedUserRole.objects.get(team__users=tess.user, role__built_in_id=VIEWER).scopes.create(
        kind="project", object_id=seen.public_id
    )
    limits = {"project": [hidden.public_id, seen.public_id]}
    give_role(tess.user, DEPLOYER, default_space(), {"project": [seen.public_id]})
    ScopedUserRole.objects.filter(
        team__users=tess.user, role__built_in_id=DEPLOYER, scopes__kind="environment"
    ).delete()
    other = give_role(make_user(), VIEWER, default_space(), limits)
    body = {"TeamId": other.team.public_id, "UserRoleId": VIEWER, "SpaceId": "Spaces-1"}
    statuses = [
        send(tess, "post", "/api/scopeduserroles", body | {name: [text]})[0]
        for name, text in (
            ("ProjectIds", hidden.public_id),
            ("EnvironmentIds", "Environments-999999999"),
            ("TenantIds", "nobody"),
            ("TenantTags", "Ring/Nothing"),
            ("ProjectIds", seen.public_id.lower()),
        )
    ]
    assert statuses == [400, 400, 400, 400, 201]
    path = f"/api/scopeduserroles/{other.public_id}"
    stored = send(tess, "get", path)[1]
    status, saved = send(tess, "put", path, stored | {"ProjectIds": []})
    assert (status, saved["ProjectIds"]) == (200, [hidden.public_id])
    assert send(tess, "put", path, stored | {"UserRoleId": DEPLOYER, "ProjectIds": []})[0] == 403
