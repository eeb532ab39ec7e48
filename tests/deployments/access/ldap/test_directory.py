"""Signing in with the password of a real directory, its groups, and people who leave it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deployments.access import services
from deployments.access.ldap import directory
from deployments.access.models import ExternalLogin, IdentityProvider, LdapDirectory, Team, User
from deployments.access.services.federation.external_groups import GroupInput, set_external_groups
from deployments.access.services.federation.ldap_providers import (
    LdapInput,
    create_directory,
    try_directory,
    update_directory,
)
from deployments.access.services.federation.ldap_sign_in import check_directories
from deployments.access.services.request_settings import set_allow_loopback
from deployments.access.services.sign_in_rules import SignInRules, save_sign_in_rules
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Event
from tests.deployments.access.ldap.server import (
    GROUPS,
    PASSWORD,
    PEOPLE,
    SERVICE,
    SERVICE_PASSWORD,
    LdapServer,
)
from tests.deployments.calls import send
from tests.factories import SYSTEM, default_space, make_ana, make_cleo, make_user
from tests.factories.execution import SettableClock
from tests.factories.people import PASSWORD as OWN_PASSWORD
from tests.factories.people import as_person
from tests.security.test_outgoing_guard import dripping
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PATH = "/app/sign-in/with/staff"
Change = Callable[..., LdapInput]


@pytest.fixture
def clock() -> SettableClock:
    """Give a clock that is ahead of what has just happened."""
    return SettableClock()


@pytest.fixture
def wanted(db: None, ldap_server: LdapServer) -> LdapInput:
    """Give the settings of the directory, by TLS with its own authority."""
    set_allow_loopback(actor=SYSTEM, allowed=True)
    ldap_server.empty()
    return LdapInput(
        name="Staff",
        server="localhost",
        port=ldap_server.tls_port,
        security=LdapDirectory.Security.TLS,
        ca_certificate=ldap_server.certificate,
        bind_dn=SERVICE,
        user_base=PEOPLE,
        user_filter="(&(objectClass=inetOrgPerson)(|(uid=*)(mail=*)))",
        id_attribute="entryUUID",
        username_attribute="uid",
        name_attribute="cn",
        group_base=GROUPS,
        group_filter="(&(objectClass=groupOfNames)(member=*))",
    )


@pytest.fixture
def staff(wanted: LdapInput) -> IdentityProvider:
    """Give the directory in the settings; it creates users."""
    return create_directory(actor=SYSTEM, directory=wanted, password=SERVICE_PASSWORD)


def sign_in(name: str, password: str = PASSWORD, visitor: Visitor | None = None) -> Any:
    return (visitor or Visitor()).post(PATH, {"username": name, "password": password})


def team_of(provider: IdentityProvider, *groups: str) -> Team:
    made = services.create_team(actor=SYSTEM, space=default_space(), name="Operators")
    inputs = [GroupInput(provider, group) for group in groups]
    set_external_groups(actor=SYSTEM, team=made, groups=inputs)
    return made


def members(team: Team) -> list[str]:
    return sorted(team.users.values_list("username", flat=True))


def test_a_first_sign_in_makes_an_account_and_the_next_finds_it(
    staff: IdentityProvider, ldap_server: LdapServer
) -> None:
    dn = ldap_server.person("eve", cn="Eve Stone", mail="eve@example.org")
    assert "Sign in with Staff" in text_of(Visitor().get("/app/sign-in"))
    assert "User name in Staff" in text_of(Visitor().get(PATH))
    visitor = Visitor()
    answer = sign_in("eve", visitor=visitor)
    assert (answer.status_code, answer["Location"]) == (302, "/app")
    assert "Eve Stone" in visitor.get("/app/account").content.decode()
    eve = User.objects.get(username="eve")
    assert (eve.display_name, eve.email, eve.has_usable_password()) == (
        "Eve Stone",
        "eve@example.org",
        False,
    )
    assert sign_in("EVE@example.org").status_code == 302
    ldap_server.change(dn, cn="Eve Stone-Hill")
    assert sign_in(" eve ").status_code == 302
    assert ExternalLogin.objects.get().user == eve
    texts = Event.objects.filter(category="LoginSucceeded").values_list("message", flat=True)
    assert set(texts) == {"eve signed in (Staff)"}


@pytest.mark.parametrize(
    ("name", "password"),
    [
        *(("eve", "wrong"), ("eve", ""), ("nobody", PASSWORD), ("", PASSWORD)),
        *(("*", PASSWORD), ("e*", PASSWORD), ("eve)(uid=*", PASSWORD), ("eve\\", PASSWORD)),
        *(("eve\0", PASSWORD), ("eve", f"{PASSWORD}\0"), (f"uid=eve,{PEOPLE}", PASSWORD)),
    ],
)
def test_nobody_else_gets_in(
    staff: IdentityProvider, ldap_server: LdapServer, name: str, password: str
) -> None:
    ldap_server.person("eve")
    answer = sign_in(name, password)
    assert answer.status_code == 400
    assert "Invalid username or password" in text_of(answer)
    assert not User.objects.filter(username="eve").exists()
    assert Event.objects.filter(category="LoginFailed", subject_id=staff.public_id).count() == 1


def test_guesses_are_limited_by_the_account_whatever_its_spelling(
    staff: IdentityProvider, ldap_server: LdapServer
) -> None:
    ldap_server.person("eve")
    for spelling in ("eve", "EVE", " eve", "ｅｖｅ", "e\u200bve") * 2:
        assert sign_in(spelling, "wrong").status_code == 400
    assert "Too many failed attempts" in text_of(sign_in("eve"))
    assert "Too many failed attempts" in text_of(sign_in("Eve"))


def test_a_name_that_is_taken_here_is_linked_by_its_owner_only(
    staff: IdentityProvider, ldap_server: LdapServer
) -> None:
    eve = make_user("eve")
    ldap_server.person("eve")
    assert "There is a user eve here already" in text_of(sign_in("eve"))
    visitor = Visitor(as_person(eve))
    form = {"directory_name": "eve", "directory_password": PASSWORD}
    link = "/app/account/logins/staff/link"
    refused = visitor.post(link, {**form, "password": "wrong"})
    assert refused.status_code == 400
    assert visitor.post(link, {**form, "password": OWN_PASSWORD}).status_code == 302
    assert ExternalLogin.objects.get().user == eve
    assert sign_in("eve").status_code == 302


def test_a_second_factor_of_this_server_counts_after_a_directorys_password(
    staff: IdentityProvider, ldap_server: LdapServer
) -> None:
    ldap_server.person("eve")
    rules = SignInRules(require_second_factor=True)
    save_sign_in_rules(actor=SYSTEM, rules=rules)
    visitor = Visitor()
    answer = sign_in("eve", visitor=visitor)
    assert answer["Location"] == "/app/sign-in/set-up"
    assert visitor.client.get("/app/account").status_code == 302


def test_groups_in_groups_make_members_and_take_them_out_again(
    staff: IdentityProvider, ldap_server: LdapServer
) -> None:
    eve = ldap_server.person("eve", cn="Eve (Ops)*, Stone")
    inner = ldap_server.group("inner", eve)
    middle = ldap_server.group("middle", inner)
    ldap_server.group("outer", middle, inner)
    ldap_server.group("inner", eve, f"cn=outer,{GROUPS}")  # a ring
    team = team_of(staff, f"CN=Outer, {GROUPS.upper()}")
    sign_in("eve")
    assert members(team) == ["eve"]
    assert ExternalLogin.objects.get().groups == [
        f"cn={name},{GROUPS}" for name in ("inner", "middle", "outer")
    ]
    ldap_server.group("inner", ldap_server.person("somebody"))
    sign_in("eve")
    assert members(team) == []


def test_without_levels_only_direct_groups_count(
    wanted: LdapInput, ldap_server: LdapServer
) -> None:
    ldap_server.group("middle", ldap_server.group("inner", ldap_server.person("eve")))
    flat = replace(wanted, nested_depth=0)
    create_directory(actor=SYSTEM, directory=flat, password=SERVICE_PASSWORD)
    sign_in("eve")
    assert ExternalLogin.objects.get().groups == [f"cn=inner,{GROUPS}"]


def test_a_group_of_a_directory_is_a_distinguished_name(staff: IdentityProvider) -> None:
    with pytest.raises(Invalid, match="no distinguished name"):
        team_of(staff, "operators")


def test_people_who_left_are_let_go(
    staff: IdentityProvider, ldap_server: LdapServer, clock: SettableClock
) -> None:
    dns = {name: ldap_server.person(name) for name in ("eve", "fay", "gil")}
    ldap_server.group("inner", *dns.values())
    team = team_of(staff, f"cn=inner,{GROUPS}")
    visitors = {name: Visitor() for name in dns}
    for name, visitor in visitors.items():
        sign_in(name, visitor=visitor)
    gil = User.objects.get(username="gil")
    gil.set_password(OWN_PASSWORD)
    gil.save()
    ldap_server.change(dns["eve"], pwdAccountLockedTime="000001010000Z")
    ldap_server.remove(dns["fay"])
    ldap_server.group("inner", ldap_server.person("other"))
    check_directories(clock=clock)
    active = dict(User.objects.values_list("username", "is_active"))
    assert (active["eve"], active["fay"], active["gil"]) == (False, False, True)
    assert members(team) == []
    assert visitors["eve"].client.get("/app/account").status_code == 302, "the session has ended"
    assert "Invalid username or password" in text_of(sign_in("eve"))
    stored = LdapDirectory.objects.get()
    assert (stored.checked, stored.problem) == (clock.now, "")


def test_nothing_changes_while_the_directory_cannot_be_asked(
    staff: IdentityProvider, ldap_server: LdapServer, clock: SettableClock
) -> None:
    ldap_server.group("inner", ldap_server.person("eve"))
    team = team_of(staff, f"cn=inner,{GROUPS}")
    sign_in("eve")
    for change, problem in (
        ({"user_base": f"ou=gone,{PEOPLE}"}, "noSuchObject"),
        ({"user_base": GROUPS}, "shows nobody at all"),
        ({"port": 1}, "does not answer as a directory"),
    ):
        LdapDirectory.objects.update(**change)
        check_directories(clock=clock)
        assert problem in LdapDirectory.objects.get().problem
        assert members(team) == ["eve"]
    assert "cannot be asked now" in text_of(sign_in("eve"))
    assert User.objects.get(username="eve").is_active


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"security": "none"}, "does not answer as a directory"),  # on the port of TLS
        ({"ca_certificate": ""}, "certificate was not accepted"),
        ({"server": "127.0.0.1"}, "certificate was not accepted"),
        ({"bind_dn": f"cn=other,{PEOPLE}"}, "does not take the name and password"),
        ({"server": "169.254.169.254"}, "link-local"),
        ({"server": "nowhere.invalid"}, "does not answer"),
    ],
)
def test_the_certificate_is_checked_before_a_password_is_sent(
    wanted: LdapInput, change: dict[str, Any], problem: str
) -> None:
    settings = replace(wanted, **change)
    row = create_directory(actor=SYSTEM, directory=settings, password=SERVICE_PASSWORD)
    if not problem:
        assert "answers" in try_directory(actor=SYSTEM, row=row)
    else:
        with pytest.raises(Invalid, match=problem):
            try_directory(actor=SYSTEM, row=row)


@pytest.mark.parametrize("security", ["starttls", "none"])
def test_other_ways_to_the_directory(
    wanted: LdapInput, ldap_server: LdapServer, security: str
) -> None:
    ldap_server.group("inner", ldap_server.person("eve", mail="eve@example.org"))
    settings = replace(wanted, security=security, port=ldap_server.port)
    row = create_directory(actor=SYSTEM, directory=settings, password=SERVICE_PASSWORD)
    told = try_directory(actor=SYSTEM, row=row, username="eve")
    assert told == f"Staff knows Eve (eve@example.org) as eve, in cn=inner,{GROUPS}."
    with pytest.raises(Invalid, match="knows nobody as zoe"):
        try_directory(actor=SYSTEM, row=row, username="zoe")
    untrusted = replace(settings, ca_certificate="", security="starttls")
    update_directory(actor=SYSTEM, row=row, directory=untrusted, password=SERVICE_PASSWORD)
    with pytest.raises(Invalid, match="certificate was not accepted"):
        try_directory(actor=SYSTEM, row=row)


def test_two_people_of_one_name_are_nobody(
    staff: IdentityProvider, ldap_server: LdapServer
) -> None:
    ldap_server.person("eve", mail="same@example.org")
    ldap_server.person("fay", mail="same@example.org")
    assert "cannot be asked now" in text_of(sign_in("same@example.org"))


def test_a_directory_that_only_drips_is_left(wanted: LdapInput) -> None:
    with dripping(b"\x30\x84\x00\x10\x00\x00", b"\x00", 0.05) as port:
        settings = replace(wanted, security="none", port=port, server="127.0.0.1")
        row = create_directory(actor=SYSTEM, directory=settings, password=SERVICE_PASSWORD)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(directory, "TIME_LIMIT_S", 0.5)
            began = utc_now()
            with pytest.raises(Invalid, match="cannot be used"):
                try_directory(actor=SYSTEM, row=row)
            assert (utc_now() - began).total_seconds() < 30


def test_the_password_of_the_account_is_kept_to_itself(
    staff: IdentityProvider, wanted: LdapInput
) -> None:
    assert SERVICE_PASSWORD.encode() not in bytes(staff.sealed_secret or b"")
    assert SERVICE_PASSWORD not in str(list(Event.objects.values()))
    with pytest.raises(Invalid) as refused:
        update_directory(
            actor=SYSTEM, row=staff, directory=replace(wanted, server="ldap.example.org")
        )
    assert "ConnectPassword" in refused.value.fields
    staff.refresh_from_db()
    update_directory(actor=SYSTEM, row=staff, directory=replace(wanted, creates_users=False))
    assert "answers" in try_directory(actor=SYSTEM, row=staff)


def test_rest_and_pages(wanted: LdapInput, ldap_server: LdapServer) -> None:
    ana = make_ana()
    ldap_server.person("eve")
    body = {
        "Name": "Staff",
        "Server": "localhost",
        "Port": wanted.port,
        "CaCertificate": wanted.ca_certificate,
        "ConnectUsername": SERVICE,
        "ConnectPassword": {"HasValue": True, "NewValue": SERVICE_PASSWORD},
        "UserBaseDN": PEOPLE,
        "UserFilter": "(uid=*)",
        "UniqueIdAttribute": "entryUUID",
        "UserNameAttribute": "uid",
        "UserDisplayNameAttribute": "cn",
    }
    status, made = send(ana, "post", "/api/ldapproviders", body)
    assert status == 201, made
    assert made["ConnectPassword"] == {"HasValue": True, "NewValue": None}
    path = f"/api/ldapproviders/{made['Id']}"
    assert send(ana, "put", path, made) == (200, made)
    moved = {**made, "Server": "elsewhere.example.org"}
    status, refused = send(ana, "put", path, moved)
    assert (status, "ConnectPassword" in refused["Details"]) == (400, True)
    for change, field in (
        ({"UserFilter": "(uid=eve)"}, "UserFilter"),
        ({"UserBaseDN": "people"}, "UserBaseDN"),
        ({"GroupBaseDN": "x"}, "GroupBaseDN"),
        ({"SecurityProtocol": "rot13"}, "SecurityProtocol"),
        ({"CaCertificate": "trust me"}, "CaCertificate"),
        ({"Port": 0}, "Port"),
        ({"Server": "ldap://a"}, "Server"),
        ({"NestedGroupSearchDepth": 99}, "NestedGroupSearchDepth"),
        ({"Name": ""}, "Name"),
    ):
        status, refused = send(ana, "put", path, {**made, **change})
        assert status == 400, change
        assert field in str(refused), refused
    assert send(ana, "get", "/api/identityproviders")[1]["TotalResults"] == 0
    other = send(ana, "post", "/api/ldapproviders", {**body, "Name": "Other"})[1]
    visitor = Visitor(ana)
    pages = "administration/providers"
    assert f'value="up:{other["Id"]}"' in visitor.get(pages).content.decode()
    visitor.post(f"{pages}/order", {"move": f"up:{other['Id']}"})
    signing = Visitor().get("/app/sign-in").content.decode()
    assert signing.index("Sign in with Other") < signing.index("Sign in with Staff")
    page = f"{pages}/{made['Id']}"
    assert "Where people are" in text_of(visitor.get(page))
    visitor.post(f"{page}/test", {"username": "eve"})
    assert "Staff knows Eve as eve, in no group" in text_of(visitor.get(page))
    wrong = visitor.post(f"{pages}/new-directory", {"name": "Third", "port": "many"})
    assert wrong.status_code == 400
    assert "A number from 1 to 65535" in text_of(wrong)
    assert visitor.post(f"{page}/delete").status_code == 302
    assert send(ana, "delete", f"/api/ldapproviders/{other['Id']}")[0] == 200
    cleo = make_cleo(default_space())
    assert send(cleo, "get", "/api/ldapproviders")[0] == 403
