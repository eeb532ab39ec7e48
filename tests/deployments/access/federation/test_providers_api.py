"""Identity providers and external groups, over REST and in the portal."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.access import services
from deployments.access.models import ExternalLogin, IdentityProvider, Team
from deployments.access.services.federation.external_groups import (
    follow_groups,
    forget_old_groups,
)
from deployments.base.clock import utc_now
from deployments.base.models import Event
from tests.deployments.access.federation.issuer import Issuer
from tests.deployments.calls import send
from tests.factories import (
    SYSTEM,
    Person,
    default_space,
    give_role,
    make_ana,
    make_cleo,
    make_dan,
    make_space,
    make_user,
)
from tests.factories.people import as_person
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PATH = "/api/identityproviders"
BODY = {
    "Name": "Corporate",
    "Issuer": "https://login.example.com/realms/main",
    "ClientId": "octopus",
    "ClientSecret": {"HasValue": True, "NewValue": "canary-4711"},
    "Scopes": ["openid", "profile", "email", "groups"],
    "AllowAutoUserCreation": True,
}


def make_provider(ana: Person, **change: Any) -> IdentityProvider:
    """Return a provider made over REST."""
    status, made = send(ana, "post", PATH, {**BODY, **change})
    assert status == 201, made
    return IdentityProvider.objects.get(pk=int(made["Id"].rpartition("-")[2]))


def test_a_provider_is_made_read_changed_and_deleted() -> None:
    ana = make_ana()
    status, made = send(ana, "post", PATH, BODY)
    assert status == 201
    assert {**made, "Id": "", "Links": {}} == {
        **BODY,
        "Id": "",
        "Links": {},
        "ClientSecret": {"HasValue": True, "NewValue": None},
        "Slug": "corporate",
        "RoleClaimType": "groups",
        "UsernameClaimType": "preferred_username",
        "IsEnabled": True,
        "LinkByVerifiedEmail": False,
        "GroupsLastDays": 30,
        "RedirectUri": "http://127.0.0.1:8080/app/sign-in/with/corporate/done",
    }
    own = made["Links"]["Self"]
    assert send(ana, "get", own) == (200, made)
    # What was read, sent back, changes nothing.
    assert send(ana, "put", own, made) == (200, made)
    changed = {**made, "Name": "Company", "ClientSecret": {"HasValue": False}}
    _, saved = send(ana, "put", own, changed)
    assert (saved["Name"], saved["Slug"]) == ("Company", "corporate")
    assert saved["ClientSecret"]["HasValue"] is False
    assert send(ana, "get", f"{PATH}/all")[1] == [saved]
    assert send(ana, "delete", own)[0] == 200
    assert send(ana, "get", own)[0] == 404
    events = Event.objects.filter(subject_id=made["Id"])
    assert [each.category for each in events.order_by("pk")] == [
        "Created",
        "Modified",
        "Modified",
        "Deleted",
    ]
    assert "canary-4711" not in str(list(events.values()))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"Name": " "}, "Name"),
        ({"Issuer": "http://login.example.com"}, "Issuer"),
        ({"Issuer": "http://127.0.0.1:8080"}, "Issuer"),
        ({"ClientId": "x" * 501}, "ClientId"),
        ({"Scopes": ["profile"]}, "Scopes"),
        ({"GroupsLastDays": 0}, "GroupsLastDays"),
        ({"ClientSecret": "x" * 2001}, "ClientSecret"),
        ({"RoleClaimType": ""}, "RoleClaimType"),
    ],
)
def test_nonsense_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    status, body = send(make_ana(), "post", PATH, {**BODY, **change})
    assert (status, list(body["Details"])) == (400, [field])
    assert not IdentityProvider.objects.exists()


def test_a_secret_never_follows_to_another_issuer() -> None:
    ana = make_ana()
    row = make_provider(ana)
    path = f"{PATH}/{row.public_id}"
    moved = {**BODY, "Issuer": "https://evil.example", "ClientSecret": None}
    status, body = send(ana, "put", path, moved)
    assert (status, list(body["Details"])) == (400, ["ClientSecret"])
    now = utc_now()
    login = ExternalLogin(user=ana.user, provider=row, subject="x", created=now, last_used=now)
    login.save()
    status, body = send(ana, "put", path, {**moved, "ClientSecret": "new"})
    assert (status, list(body["Details"])) == (400, ["Issuer"])


def test_names_that_look_alike_are_one() -> None:
    ana = make_ana()
    make_provider(ana)
    assert send(ana, "post", PATH, {**BODY, "Name": "ＣＯＲＰＯＲＡＴＥ "})[0] == 400
    assert make_provider(ana, Name="Corporate!").slug == "corporate-2"


def test_only_who_configures_the_server_may() -> None:
    ana, cleo = make_ana(), make_cleo(default_space())
    own = f"{PATH}/{make_provider(ana).public_id}"
    for method, path in (("get", PATH), ("post", PATH), ("get", own), ("put", own)):
        assert send(cleo, method, path, BODY if method != "get" else None)[0] == 403
    assert send(cleo, "delete", own)[0] == 403
    assert Visitor(cleo).get("administration/providers").status_code == 403


def test_who_does_not_administer_the_server_reads_providers_and_changes_none() -> None:
    ana, keeper = make_ana(), make_user("max")
    row = make_provider(ana)
    own, page = f"{PATH}/{row.public_id}", f"administration/providers/{row.public_id}"
    give_role(keeper, "userroles-systemmanager", None)
    give_role(keeper, "userroles-projectviewer", default_space())
    person = as_person(keeper)
    visitor = Visitor(person)
    assert send(person, "get", own)[1]["Name"] == "Corporate"
    assert "Corporate" in text_of(visitor.get("administration/providers"))
    assert b"/administration/providers/" not in visitor.get("administration/providers").content
    groups = {**BODY, "RoleClaimType": "sub"}
    assert send(person, "put", own, groups)[0] == 403
    assert send(person, "post", PATH, {**groups, "Name": "Mine"})[0] == 403
    assert send(person, "delete", own)[0] == 403
    for each in (page, f"{page}/test", f"{page}/delete", "administration/providers/new"):
        assert visitor.post(each).status_code == 403
    row.refresh_from_db()
    assert row.group_claim == "groups"


def test_the_way_in_is_told_to_everybody(client: Any) -> None:
    row = make_provider(make_ana())
    ways = client.get("/api/authentication").json()["AuthenticationProviders"]
    assert [(way["Name"], way["IdentityType"]) for way in ways] == [
        ("UsernamePassword", "UsernamePassword"),
        ("corporate", "OAuth"),
    ]
    assert ways[1]["Links"]["Authenticate"] == "/app/sign-in/with/corporate"
    assert row.issuer not in str(ways)


def test_a_team_follows_groups_over_rest() -> None:
    ana = make_ana()
    row = make_provider(ana)
    team = {"Name": "Staff", "SpaceId": "Spaces-1"}
    group = {"Id": "0a1b", "DisplayName": "Staff of the company"}
    status, made = send(ana, "post", "/api/teams", {**team, "ExternalSecurityGroups": [group]})
    shown = {
        **group,
        "ProviderId": row.public_id,
        "DisplayIdAndName": "Staff of the company (0a1b)",
    }
    assert (status, made["ExternalSecurityGroups"]) == (201, [shown])
    own = f"/api/teams/{made['Id']}"
    # Who does not know of groups changes none.
    assert send(ana, "put", own, team)[1]["ExternalSecurityGroups"] == [shown]
    two = [shown, {"Id": "0c2d", "ProviderId": row.public_id}]
    _, saved = send(ana, "put", own, {**team, "ExternalSecurityGroups": two})
    assert [each["Id"] for each in saved["ExternalSecurityGroups"]] == ["0c2d", "0a1b"]
    make_provider(ana, Name="Other")
    for wrong in (
        [{"Id": "x"}],
        [{"Id": "x", "ProviderId": "IdentityProviders-999999999"}],
        [{"Id": ""}],
    ):
        status, body = send(ana, "put", own, {**team, "ExternalSecurityGroups": wrong})
        assert status == 400, body
    _, cleared = send(ana, "put", own, {**team, "ExternalSecurityGroups": []})
    assert cleared["ExternalSecurityGroups"] == []
    listed = send(ana, "get", "/api/externalsecuritygroupproviders")[1]
    assert [each["Name"] for each in listed] == ["Corporate", "Other"]


def test_nobody_gives_by_a_group_what_they_lack() -> None:
    ana, other = make_ana(), make_space()
    dan = make_dan(other)
    make_provider(ana)
    groups = {"ExternalSecurityGroups": [{"Id": "everyone"}]}
    admins = "/api/teams/teams-administrators"
    body = {**send(ana, "get", admins)[1], **groups}
    assert send(dan, "put", admins, body)[0] in {403, 404}
    # A role that Dan may not give makes its team one whose groups he may not set.
    manager = as_person(make_user("max"))
    give_role(manager.user, "userroles-systemmanager", None)
    strong = give_role(make_user(), "userroles-spacemanager", default_space()).team
    strong.space = None
    strong.save()
    own = f"/api/teams/{strong.public_id}"
    body = {**send(ana, "get", own)[1], **groups}
    status, answer = send(manager, "put", own, body)
    assert (status, "nobody gives what they do not hold" in str(answer)) == (403, True)
    everyone = "/api/teams/teams-everyone"
    body = {**send(ana, "get", everyone)[1], **groups}
    assert send(ana, "put", everyone, body)[0] == 400


def make_login(row: IdentityProvider, days: int) -> ExternalLogin:
    """Return an account that was used so many days ago."""
    then = utc_now() - timedelta(days=days)
    return ExternalLogin.objects.create(
        user=make_user(), provider=row, subject=str(days), created=then, last_used=then
    )


def test_groups_are_forgotten_when_nobody_signs_in_for_long() -> None:
    ana = make_ana()
    row = make_provider(ana)
    team = services.create_team(actor=SYSTEM, space=default_space(), name="Staff")
    team.external_groups.create(provider=row, group="staff")
    fresh, stale = make_login(row, 29), make_login(row, 31)
    for login in (fresh, stale):
        follow_groups(login=login, groups=["staff", "more"])
    assert set(team.users.all()) == {fresh.user, stale.user}
    forget_old_groups()
    assert set(team.users.all()) == {fresh.user}
    forget_old_groups()  # nothing more to do
    assert Event.objects.filter(message__contains="left Staff").count() == 1


def test_a_built_in_team_keeps_its_last_member() -> None:
    row = make_provider(make_ana())
    admins = Team.objects.get(built_in_id="teams-administrators")
    admins.external_groups.create(provider=row, group="admins")
    first, second = make_login(row, 1), make_login(row, 2)
    for login in (first, second):
        follow_groups(login=login, groups=["admins"])
    admins.users.remove(*admins.users.filter(username="ana"))
    for login in (first, second):
        follow_groups(login=login, groups=[])
    assert list(admins.users.all()) == [second.user]


def test_saving_a_space_keeps_the_managers_whom_groups_gave() -> None:
    ana, space = make_ana(), default_space()
    row = make_provider(ana)
    managers = Team.objects.get(built_in_id=f"teams-spacemanagers-{space.public_id}")
    managers.external_groups.create(provider=row, group="leads")
    login = make_login(row, 1)
    follow_groups(login=login, groups=["leads"])
    services.update_space(
        actor=SYSTEM, space=space, name=space.name, is_default=True, manager_users=[ana.user]
    )
    assert set(managers.users.all()) == {ana.user, login.user}
    follow_groups(login=login, groups=[])
    assert set(managers.users.all()) == {ana.user}


def test_who_was_lost_from_a_team_comes_back_by_the_next_sign_in() -> None:
    row = make_provider(make_ana())
    team = services.create_team(actor=SYSTEM, space=default_space(), name="Staff")
    team.external_groups.create(provider=row, group="staff")
    login = make_login(row, 1)
    follow_groups(login=login, groups=["staff"])
    team.users.clear()  # as two who save at once may do
    follow_groups(login=login, groups=["staff"])
    assert list(team.users.all()) == [login.user]
    follow_groups(login=login, groups=[])
    assert not team.users.exists()


def test_the_pages_add_test_change_and_delete(issuer: Issuer) -> None:
    ana = Visitor(make_ana())
    assert "People sign in with passwords only" in text_of(ana.get("administration/providers"))
    form = {
        "name": "Corporate",
        "issuer": issuer.url,
        "client_id": "octopus",
        "scopes": "openid profile",
        "group_claim": "groups",
        "username_claim": "preferred_username",
        "group_days": "30",
        "secret": "canary-4711",
        "is_enabled": "on",
    }
    assert ana.post("administration/providers/new", {**form, "name": ""}).status_code == 400
    own = ana.post("administration/providers/new", form)["Location"]
    page = ana.get(own)
    assert "http://127.0.0.1:8080/app/sign-in/with/corporate/done" in text_of(page)
    assert "canary-4711" not in page.content.decode()
    ana.post(f"{own}/test")
    assert "its document lacks an address" in page_text(ana, own)
    issuer.name = "https://elsewhere.example"
    ana.post(own, {**form, "issuer": f"{issuer.url}/x", "secret": "again"})
    ana.post(f"{own}/test")
    assert "cannot be used" in page_text(ana, own)
    assert "Need an account first" in text_of(ana.get("administration/providers"))
    ana.post(f"{own}/delete")
    assert not IdentityProvider.objects.exists()


def page_text(visitor: Visitor, path: str) -> str:
    return text_of(visitor.get(path))


def test_the_page_of_a_service_account_says_what_build_servers_need() -> None:
    ana, robot = Visitor(make_ana()), make_user("robot", is_service=True)
    own = f"administration/users/{robot.public_id}/oidc"
    assert "OIDC identities" in text_of(ana.get(f"administration/users/{robot.public_id}"))
    page = text_of(ana.get(own))
    assert "No build server may yet" in page
    assert str(robot.external_id) in page
    form = {
        "name": "GitHub",
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:acme/web:*",
    }
    refused = ana.post(own, {**form, "subject": "*"})
    assert refused.status_code == 400
    assert "Wildcards alone" in text_of(refused)
    assert ana.post(own, form).status_code == 302
    (row,) = robot.oidc_identities.all()
    assert "repo:acme/web:*" in text_of(ana.get(f"{own}/{row.public_id}"))
    ana.post(f"{own}/{row.public_id}", {**form, "name": "Actions"})
    assert "Actions" in text_of(ana.get(own))
    ana.post(f"{own}/{row.public_id}/delete")
    assert not robot.oidc_identities.exists()


def test_the_page_of_a_team_adds_and_takes_groups() -> None:
    ana_person = make_ana()
    ana, row = Visitor(ana_person), make_provider(ana_person)
    team = services.create_team(actor=SYSTEM, space=default_space(), name="Staff")
    own = f"administration/teams/{team.public_id}"
    form = {"group_provider": row.public_id, "group_name": "0a1b", "group_label": "Staff"}
    assert ana.post(own, {"name": "Staff", **form}).status_code == 302
    (group,) = team.external_groups.all()
    assert "Staff Corporate, 0a1b" in text_of(ana.get(own))
    ana.post(own, {"name": "Staff", "group": str(group.pk)})
    assert team.external_groups.exists()
    bad = ana.post(own, {"name": "Staff", **form, "group_provider": "IdentityProviders-999999999"})
    assert bad.status_code == 400
    ana.post(own, {"name": "Staff"})
    assert not team.external_groups.exists()


def test_lists_ask_the_database_no_more_often_for_many() -> None:
    ana = make_ana()
    row = make_provider(ana)
    follow_one(row, 1)
    send(ana, "get", "/api/teams")  # what is loaded once only
    few = [asked(ana, path) for path in ("/api/teams", "/api/users")]
    for number in range(2, 6):
        follow_one(row, number)
    assert [asked(ana, path) for path in ("/api/teams", "/api/users")] == few


def follow_one(row: IdentityProvider, number: int) -> None:
    """Make a team that follows a group, and somebody with an account at the provider."""
    team = services.create_team(actor=SYSTEM, space=default_space(), name=f"Team {number} here")
    team.external_groups.create(provider=row, group="staff")
    follow_groups(login=make_login(row, number), groups=["staff"])


def asked(ana: Person, path: str) -> int:
    """Return how many queries a list takes."""
    with CaptureQueriesContext(connection) as queries:
        assert send(ana, "get", path)[0] == 200
    return len(queries)
