"""Inviting people: what the link gives, to whom, and how often."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from deployments.access import services
from deployments.access.grants import team_changed
from deployments.access.models import Invitation, Team, User
from deployments.access.services.mail_settings import save_mail_settings
from deployments.access.services.seeding import ADMINISTRATORS
from deployments.base.models import Event
from tests.deployments.execution.smtp_server import smtp_server
from tests.factories import Person, default_space, give_role, make_ana, make_user
from tests.factories.people import PASSWORD, SYSTEM, as_person
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
JSON = "application/json"
PAGE = "administration/invitations"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def make_inviter(*roles: str) -> Person:
    """Create Ivy, who may invite but administers nothing."""
    ivy = make_user("ivy")
    role = services.create_role(
        actor=SYSTEM, name="Inviter", system_permissions=["UserInvite", "UserView"]
    )
    team = services.create_team(actor=SYSTEM, space=None, name="Inviters", members=[ivy])
    services.create_scoped_role(actor=SYSTEM, team=team, role=role, space=None)
    for each in roles:
        give_role(ivy, each, default_space())
    return as_person(ivy)


def viewers() -> Team:
    role = give_role(make_user(), "userroles-projectviewer", default_space())
    return role.team


def invite(person: Person, *teams: Team) -> Any:
    body = {"AddToTeamIds": [team.public_id for team in teams]}
    return person.api.post("/api/users/invitations", body, JSON)


def register(code: str, username: str = "eve") -> Any:
    body = {"InvitationCode": code, "Username": username, "Password": PASSWORD}
    return Client().post("/api/users/register", body, JSON)


def test_a_link_makes_one_account_in_its_teams() -> None:
    team, ana = viewers(), Visitor(make_ana())
    answer = ana.post(PAGE, {"email": "eve@example.com", "teams": [team.public_id]})
    assert answer["Cache-Control"] == "no-store"
    found = re.search(rb"<code>https?://[^/]+(/app/join/[\w-]+)</code>", answer.content)
    assert found
    link = found[1].decode()
    assert link not in ana.get(PAGE).content.decode()
    assert "eve@example.com" in text_of(ana.get(PAGE))
    eve = Visitor()
    assert "invited by ana" in text_of(eve.get(link))
    fields = {"username": "eve", "email": "eve@example.com", "password": "short"}
    refused = eve.client.post(link, fields)
    assert "too easy to guess" in text_of(refused)
    fields["password"] = PASSWORD
    assert eve.client.post(link, fields)["Location"] == "/app"
    assert eve.get("projects").status_code == 200
    assert User.objects.get(username="eve").teams.get() == team
    again = Client().post(link, fields | {"username": "mallory"})
    assert again.status_code == 400
    assert "used, withdrawn or out of date" in text_of(again)
    newest = Event.objects.filter(message__contains="joined by").get()
    assert newest.message == "eve joined by an invitation of ana"


def test_the_code_is_not_kept_and_ends_after_two_days() -> None:
    ana = make_ana()
    with time_machine.travel(NOON, tick=False) as clock:
        made = invite(ana).json()
        assert made["Expires"].startswith("2026-05-06T12:00:00")
        code = made["InvitationCode"]
        assert code not in str(list(Invitation.objects.values()))
        read = ana.api.get(f"/api/users/invitations/{made['Id']}").json()
        assert read["InvitationCode"] == ""
        clock.shift(timedelta(hours=48))
        assert register(code).status_code == 400
    assert register("").status_code == 400


def test_a_withdrawn_invitation_is_good_for_nothing() -> None:
    ana = make_ana()
    made = invite(ana).json()
    Visitor(ana).post(f"{PAGE}/{made['Id']}/revoke")
    assert register(made["InvitationCode"]).status_code == 400


def test_a_taken_name_leaves_the_invitation_good() -> None:
    code = invite(make_ana()).json()["InvitationCode"]
    assert register(code, "ANA").status_code == 400
    assert register(code).status_code == 201


def test_nobody_invites_into_teams_that_hold_more_than_they_do() -> None:
    ivy, team = make_inviter("userroles-projectviewer", "userroles-spacemanager"), viewers()
    admins = Team.objects.get(built_in_id=ADMINISTRATORS)
    assert invite(ivy, admins).status_code == 403
    assert invite(ivy, team).status_code == 201
    plain = as_person(make_user())
    assert invite(plain).status_code == 403


def test_what_the_inviter_has_lost_meanwhile_is_not_given() -> None:
    ivy, team = make_inviter("userroles-spacemanager"), viewers()
    code, late = (invite(ivy, team).json()["InvitationCode"] for _ in range(2))
    for each in ivy.user.teams.exclude(name="Inviters"):
        services.delete_team(actor=SYSTEM, team=each)
    assert register(code).status_code == 201
    assert not User.objects.get(username="eve").teams.exists()
    services.update_user(actor=SYSTEM, user=ivy.user, display_name="Ivy", is_active=False)
    assert register(late, "mallory").status_code == 400


def test_the_links_of_who_may_invite_no_more_are_good_for_nothing() -> None:
    ivy = make_inviter()
    made, withdrawn = invite(ivy).json()["InvitationCode"], invite(ivy).json()["InvitationCode"]
    assert register(made).status_code == 201
    ivy.user.teams.clear()
    team_changed()
    assert register(withdrawn, "mallory").status_code == 400
    assert "used, withdrawn" in text_of(Client().get(f"/app/join/{withdrawn}"))
    assert not User.objects.filter(username="mallory").exists()


def test_service_accounts_invite_nobody() -> None:
    robot = make_user("robot", is_service=True)
    give_role(robot, "userroles-systemmanager", None)
    answer = invite(as_person(robot))
    assert (answer.status_code, "Only people invite others." in answer.json()["Errors"]) == (
        400,
        True,
    )


def test_the_link_goes_by_mail_or_is_shown_with_the_reason_why_not() -> None:
    ana = make_ana()
    visitor, sent = Visitor(ana), {"email": "eve@example.com"}
    with smtp_server() as mailbox:
        save_mail_settings(
            actor=ana.actor, host="127.0.0.1", port=mailbox.port, sender="octopus@example.com"
        )
        assert visitor.post(PAGE, sent).status_code == 302
        assert "The invitation was sent to eve@example.com." in text_of(visitor.get(PAGE))
        ((to, mail),) = mailbox.mails
        assert to == "eve@example.com"
        link = re.search(r"/app/join/[\w-]+", str(mail.get_payload()))
        assert link
        assert "invited by ana" in text_of(Visitor().get(link[0]))
        mailbox.refused = frozenset({"eve@example.com"})
        answer = visitor.post(PAGE, sent)
    assert "The mail was not sent" in text_of(answer)
    assert b"/app/join/" in answer.content
