"""Accounts: their types, sealed secrets, where they may be used, REST, pages, events."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.infrastructure.services.environments import delete_environment
from deployments.library.models import Account
from deployments.library.services import (
    AccountInput,
    Restrictions,
    VariableInput,
    create_account,
    delete_account,
    update_account,
)
from deployments.library.tenancy import Tenancy
from deployments.library.values import account_secrets
from tenants.services.tenants import delete_tenant
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_cleo, make_user
from tests.factories.domain import make_environment, make_project, make_variables
from tests.factories.library import make_account
from tests.factories.people import as_person
from tests.factories.tenants import make_tag_set, make_tenant
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
SECRET = "s3cret-canary"
PAGE = "projects/accounts"


def key_file(password: str = "", form: PrivateFormat = PrivateFormat.OpenSSH) -> str:
    sealed: KeySerializationEncryption = NoEncryption()
    if password:
        sealed = BestAvailableEncryption(password.encode())
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, form, sealed).decode()


def fresh(row: Account) -> Account:
    return Account.objects.in_space(row.space).get(pk=row.pk)


def change(row: Account, **values: Any) -> Account:
    return update_account(actor=SYSTEM, row=row, account=AccountInput(row.name, values=values))


def test_secrets_are_sealed_kept_changed_and_removed() -> None:
    row = make_account(Username=" ana ", Password=SECRET)
    assert SECRET.encode() not in bytes(row.sealed_secrets or b"")
    assert (row.details, account_secrets(fresh(row))) == ({"Username": "ana"}, {"Password": SECRET})
    change(row, Username="ben", Password=None)
    assert account_secrets(fresh(row)) == {"Password": SECRET}
    change(row, Username="ben", Password="other")
    assert account_secrets(fresh(row)) == {"Password": "other"}
    change(row, Username="ben", Password="")
    assert (account_secrets(fresh(row)), fresh(row).sealed_secrets) == ({}, None)


@pytest.mark.parametrize(
    ("kind", "values", "field", "word"),
    [
        ("Nothing", {}, "AccountType", "must be one of"),
        ("UsernamePassword", {}, "Username", "required"),
        ("UsernamePassword", {"Username": "a\nb"}, "Username", "one line"),
        ("UsernamePassword", {"Username": "a" * 1001}, "Username", "at most"),
        ("Token", {"Token": ""}, "Token", "required"),
        ("AmazonWebServicesAccount", {"AccessKey": "AKIA"}, "SecretKey", "required"),
        (
            "GenericOidcAccount",
            {"DeploymentSubjectKeys": ["moon"]},
            "DeploymentSubjectKeys",
            "moon",
        ),
        (
            "SshKeyPair",
            {"Username": "git", "PrivateKeyFile": "ssh-rsa AAAA"},
            "PrivateKeyFile",
            "no private key",
        ),
        (
            "SshKeyPair",
            {"Username": "git", "PrivateKeyFile": key_file()[:100]},
            "PrivateKeyFile",
            "cannot be read",
        ),
        (
            "SshKeyPair",
            {"Username": "git", "PrivateKeyFile": key_file("x", PrivateFormat.PKCS8)},
            "PrivateKeyPassphrase",
            "needs its passphrase",
        ),
        (
            "SshKeyPair",
            {
                "Username": "git",
                "PrivateKeyFile": key_file("x", PrivateFormat.PKCS8),
                "PrivateKeyPassphrase": "y",
            },
            "PrivateKeyPassphrase",
            "does not open",
        ),
    ],
)
def test_what_is_refused(kind: str, values: Mapping[str, Any], field: str, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        create_account(
            actor=SYSTEM,
            space=default_space(),
            account_type=kind,
            account=AccountInput("One", values=values),
        )
    assert word in " ".join(refused.value.fields[field])
    assert not Account.objects.in_space(default_space()).exists()


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
def test_private_keys_as_text_and_in_base64(form: PrivateFormat) -> None:
    plain = key_file(form=form)
    make_account("A", "SshKeyPair", Username="git", PrivateKeyFile=plain)
    in_base64 = base64.b64encode(plain.encode()).decode()
    make_account("B", "SshKeyPair", Username="git", PrivateKeyFile=in_base64)


def test_a_private_key_with_a_passphrase() -> None:
    locked = key_file("open sesame", PrivateFormat.PKCS8)
    values: Any = {"Username": "git", "PrivateKeyPassphrase": "open sesame"}
    row = make_account("A", "SshKeyPair", **values, PrivateKeyFile=locked)
    assert account_secrets(row)["PrivateKeyFile"] == locked
    plain = key_file()
    with pytest.raises(Invalid, match="has none"):
        make_account("B", "SshKeyPair", **values, PrivateKeyFile=plain)


def test_subjects_and_audience_have_what_is_usual() -> None:
    row = make_account("Cloud", "GenericOidcAccount", Audience="", DeploymentSubjectKeys=[])
    assert row.details == {
        "Audience": "api://default",
        "DeploymentSubjectKeys": ["space", "project", "tenant", "environment"],
    }
    change(row, DeploymentSubjectKeys=["type", "space"])
    assert fresh(row).details["DeploymentSubjectKeys"] == ["space", "type"]


def test_events_tell_that_a_secret_changed_and_not_what_it_is() -> None:
    row = make_account(Username="ana", Password=SECRET)
    change(row, Username="ana", Password=f"{SECRET}2")
    delete_account(actor=SYSTEM, row=row)
    told = list(Event.objects.filter(subject_id__startswith="Accounts-").order_by("pk"))
    assert [event.category for event in told] == ["Created", "Modified", "Deleted"]
    assert [each["property"] for each in told[1].changes] == ["Password"]
    assert SECRET not in json.dumps([event.changes for event in told])


def test_an_account_in_use_stays_and_what_it_is_for_as_well() -> None:
    place = make_environment("Production")
    acme, tags = make_tenant("Acme"), make_tag_set("Region", "North")
    row = make_account(
        environments=[place],
        tenancy=Tenancy("", [acme.name], [f"{tags.name}/North"]),
    )
    assert (row.tenanted_participation, row.tenant_tags) == ("Tenanted", ["Region/North"])
    project = make_project("Web")
    make_variables(project, VariableInput("Db", row.public_id, kind="UsernamePasswordAccount"))
    with pytest.raises(Invalid, match=r"used by the variable Db of Web\.$"):
        delete_account(actor=SYSTEM, row=row)
    with pytest.raises(Invalid, match="the account 'Database'"):
        delete_environment(actor=SYSTEM, environment=place)
    delete_tenant(actor=SYSTEM, row=acme)
    assert not fresh(row).tenant_links.exists()
    make_variables(project)
    delete_account(actor=SYSTEM, row=row)


def test_a_tenant_goes_with_the_same_statements_however_much_is_for_it() -> None:
    def statements(accounts: int) -> int:
        acme, other = make_tenant(f"Acme {accounts}"), make_tenant(f"Other {accounts}")
        rows = [
            make_account(f"For {accounts}, {n}", tenancy=Tenancy("", [acme.name, other.name], []))
            for n in range(accounts)
        ]
        with CaptureQueriesContext(connection) as asked:
            delete_tenant(actor=SYSTEM, row=acme)
        assert {
            number
            for row in rows
            for number in row.tenant_links.values_list("tenant_number", flat=True)
        } == {other.pk}
        return len(asked)

    assert statements(1) == statements(12)


def test_whoever_is_limited_to_an_environment_stays_there() -> None:
    inside, outside = make_environment("Inside"), make_environment("Outside")
    user = make_user()
    give_role(
        user, "userroles-environmentmanager", default_space(), {"environment": [inside.public_id]}
    )
    dev = as_person(user)
    row = make_account(environments=[inside])
    everywhere = make_account("Everywhere")
    both = make_account("Both", environments=[inside, outside])
    assert send(dev, "get", f"{S}/accounts/{everywhere.public_id}")[0] == 404
    for places in ([], [inside.pk, outside.pk]):
        with pytest.raises(NotPermitted):
            update_account(
                actor=dev.actor,
                row=row,
                account=AccountInput("x", {"Username": "x"}, restrictions=Restrictions(places)),
            )
    change_as = AccountInput("x", {"Username": "x"}, restrictions=Restrictions([inside.pk]))
    with pytest.raises(NotPermitted):
        update_account(actor=dev.actor, row=both, account=change_as)
    assert fresh(row).name == "Database"


def test_over_rest() -> None:
    ana, place = make_ana(), make_environment("Production")
    body = {
        "Name": "Database",
        "AccountType": "UsernamePassword",
        "EnvironmentIds": [place.public_id],
        "Username": "ana",
        "Password": {"HasValue": True, "NewValue": SECRET, "Hint": None},
    }
    status, made = send(ana, "post", f"{S}/accounts", body)
    assert (status, made["Slug"], made["EnvironmentIds"]) == (201, "database", [place.public_id])
    assert made["Password"] == {"HasValue": True, "NewValue": None}
    assert made["TenantedDeploymentParticipation"] == "Untenanted"
    assert "Token" not in made
    path = f"{S}/accounts/{made['Id']}"
    status, changed = send(ana, "put", path, {**made, "Username": "ben"})
    assert (status, changed["Username"]) == (200, "ben")
    row = Account.objects.in_space(default_space()).get()
    assert account_secrets(row) == {"Password": SECRET}
    cleared = {**made, "Password": {"HasValue": False, "NewValue": None}}
    assert send(ana, "put", path, cleared)[1]["Password"]["HasValue"] is False
    make_account("Robot", "Token", Token=SECRET)
    found = send(ana, "get", f"{S}/accounts?accountType=Token")[1]
    assert [row["Name"] for row in found["Items"]] == ["Robot"]
    assert SECRET not in json.dumps(found)
    assert send(ana, "get", f"{S}/accounts?accountType=AzureOidc")[1]["TotalResults"] == 0
    assert len(send(ana, "get", f"{S}/accounts/all")[1]) == 2
    make_variables(
        make_project("Web"), VariableInput("Db", made["Id"], kind="UsernamePasswordAccount")
    )
    usages = send(ana, "get", f"{path}/usages")[1]
    assert [use["Name"] for use in usages["ProjectVariableSets"]] == ["Web"]
    status, refused = send(ana, "delete", path)
    assert (status, "Db of Web" in str(refused)) == (400, True)
    wrong: list[dict[str, Any]] = [
        {"Name": "X"},
        {"Name": "X", "AccountType": "Token", "Token": 5},
        {"Name": "DATABASE", "AccountType": "Token", "Token": "x"},
        {
            "Name": "X",
            "AccountType": "Token",
            "Token": "x",
            "EnvironmentIds": ["Environments-999999999"],
        },
        {"Name": "X", "AccountType": "Token", "Token": "x", "TenantIds": ["Tenants-999999999"]},
        {"Name": "X", "AccountType": "GenericOidcAccount", "DeploymentSubjectKeys": "space"},
    ]
    for each in wrong:
        status, answer = send(ana, "post", f"{S}/accounts", each)
        assert (status, bool(answer["Errors"])) == (400, True), each


def test_the_pages() -> None:
    ana, cleo = Visitor(make_ana()), Visitor(make_cleo(default_space()))
    place = make_environment("Production")
    assert "No accounts yet" in text_of(ana.get(PAGE))
    assert "SSH key pair" in text_of(ana.get(f"{PAGE}/new"))
    new = f"{PAGE}/new?type=UsernamePassword"
    assert "never shown again" in text_of(ana.get(new))
    refused = ana.post(new, {"name": "Database", "Username": ""})
    assert (refused.status_code, "User name is required" in text_of(refused)) == (400, True)
    sent = {"name": "Database", "Username": "ana", "Password": SECRET}
    made = ana.post(new, {**sent, "environments": place.public_id})
    row = Account.objects.in_space(default_space()).get()
    assert made.headers["Location"].endswith(f"{PAGE}/{row.public_id}")
    one = f"{PAGE}/{row.public_id}"
    shown = ana.get(one)
    assert SECRET not in shown.content.decode()
    assert "Empty keeps the stored one" in text_of(shown)
    ana.post(one, {"name": "Database", "Username": "ben", "environments": place.public_id})
    assert account_secrets(fresh(row)) == {"Password": SECRET}
    ana.post(one, {"name": "Database", "Username": "ben", "remove:Password": "on"})
    assert account_secrets(fresh(row)) == {}
    listed = text_of(ana.get(PAGE))
    assert "User name and password" in listed
    assert "No account fits" in text_of(ana.get(PAGE, {"type": "Token"}))
    assert cleo.get(PAGE).status_code == 403
    make_variables(
        make_project("Web"), VariableInput("Db", row.public_id, kind="UsernamePasswordAccount")
    )
    assert "the variable Db of Web" in text_of(ana.get(one))
    ana.post(f"{one}/delete")
    assert Account.objects.in_space(default_space()).exists()
