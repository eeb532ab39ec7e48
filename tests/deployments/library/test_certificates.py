"""Certificates: kept sealed, replaced, archived, exported, told of; REST and pages."""

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from django.core.files.uploadedfile import SimpleUploadedFile

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.library.models import Certificate
from deployments.library.services import VariableInput
from deployments.library.services.certificate_exports import ExportWish, export_certificate
from deployments.library.services.certificates import (
    UploadedFile,
    archive_certificate,
    delete_certificate,
    replace_certificate,
    unarchive_certificate,
)
from deployments.library.services.expiry import tell_of_expiry
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_cleo, make_user
from tests.factories.certificates import issue, make_certificate, site
from tests.factories.domain import (
    make_environment,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.execution import SettableClock, make_scene
from tests.factories.people import as_person
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "projects/certificates"
DAY = 24 * 3600


def fresh(row: Certificate) -> Certificate:
    return Certificate.objects.in_space(row.space).get(pk=row.pk)


def named(row: Certificate, name: str = "Site") -> VariableInput:
    return VariableInput(name, row.public_id, kind="Certificate")


def test_the_file_is_sealed() -> None:
    row = make_certificate(data=site().pfx("pa55"), password="pa55")
    sealed = bytes(fresh(row).sealed_file or b"")
    assert sealed
    assert site().der not in sealed
    assert "BEGIN" not in json.dumps(row.facts)


def test_replacing_keeps_the_id_and_the_past() -> None:
    place = make_environment("Production")
    row = make_certificate(environments=[place])
    first, newer = row.thumbprint, issue("new.example.com", days=365)
    replace_certificate(actor=SYSTEM, row=row, file=UploadedFile(newer.pem_file()))
    assert fresh(row).facts["SubjectCommonName"] == "new.example.com"
    (past,) = Certificate.objects.in_space(row.space).exclude(archived=None)
    assert (past.name, past.thumbprint, past.replaced_by_id) == ("Shop", first, row.pk)
    assert past.environment_links.get().environment_number == place.pk
    exported = export_certificate(actor=SYSTEM, row=past, wish=ExportWish("Pem", with_key=True))
    assert site().pem in exported.data
    with pytest.raises(Invalid, match="stays in the archive"):
        unarchive_certificate(actor=SYSTEM, row=past)
    event = Event.objects.filter(category="CertificateReplaced").get()
    assert {each["property"] for each in event.changes} >= {"Thumbprint", "NotAfter", "Subject"}
    assert set(event.related.values_list("document_id", flat=True)) >= {past.public_id}


def test_an_archived_one_is_used_on_but_named_by_nothing_new() -> None:
    row, project = make_certificate(), make_project("Web", steps=[script_step()])
    make_variables(project, named(row))
    archive_certificate(actor=SYSTEM, row=row)
    make_certificate("Shop")  # the name is free again
    make_variables(project, named(row), VariableInput("Other", "x"))
    with pytest.raises(Invalid, match="is archived"):
        make_variables(project, named(row, "Again"))
    with pytest.raises(Invalid, match="cannot be replaced"):
        replace_certificate(actor=SYSTEM, row=row, file=UploadedFile(site().pem))
    with pytest.raises(Invalid, match="already exists"):
        unarchive_certificate(actor=SYSTEM, row=fresh(row))


def test_one_in_use_stays_also_for_a_release() -> None:
    row, project = make_certificate(), make_project("Web", steps=[script_step()])
    make_variables(project, named(row))
    make_release(project, "1.0.0")
    with pytest.raises(Invalid, match=r"the variable Site of Web, the release 1\.0\.0 of Web"):
        delete_certificate(actor=SYSTEM, row=row)
    make_variables(project)
    with pytest.raises(Invalid, match=r"by the release 1\.0\.0 of Web\."):
        delete_certificate(actor=SYSTEM, row=row)
    other = make_certificate("Other")
    replace_certificate(actor=SYSTEM, row=other, file=UploadedFile(site().pem))
    delete_certificate(actor=SYSTEM, row=other)
    assert list(Certificate.objects.in_space(row.space)) == [row]


@pytest.mark.parametrize(
    ("wish", "name", "parts"),
    [
        (ExportWish(), "Shop.pem", 3),
        (ExportWish("Pem"), "Shop.pem", 1),
        (ExportWish("Pem", pem_parts="PrimaryAndChain"), "Shop.pem", 3),
        (ExportWish("Pem", pem_parts="ChainOnly"), "Shop.pem", 2),
        (ExportWish("Pem", with_key=True, password="new"), "Shop.pem", 1),
    ],
)
def test_exports_as_pem(wish: ExportWish, name: str, parts: int) -> None:
    file = export_certificate(actor=SYSTEM, row=make_certificate(), wish=wish)
    assert (file.name, file.data.count(b"BEGIN CERTIFICATE")) == (name, parts)
    has_key = wish.with_key or not wish.format
    assert (b"PRIVATE KEY" in file.data) is has_key
    if wish.password:
        load_pem_private_key(file.data, wish.password.encode())
    told = Event.objects.filter(category="CertificatePrivateKeyExported").count()
    assert told == has_key


def test_exports_as_pfx_and_der() -> None:
    row = make_certificate()
    file = export_certificate(
        actor=SYSTEM, row=row, wish=ExportWish("Pkcs12", with_key=True, password="new")
    )
    found = pkcs12.load_pkcs12(file.data, b"new")
    assert (file.name, found.key is not None, len(found.additional_certs)) == ("Shop.pfx", True, 2)
    der = export_certificate(actor=SYSTEM, row=row, wish=ExportWish("Der"))
    assert x509.load_der_x509_certificate(der.data) == site().certificate
    for wish in (
        ExportWish("Der", with_key=True),
        ExportWish("Zip"),
        ExportWish("Pem", pem_parts="x"),
    ):
        with pytest.raises(Invalid):
            export_certificate(actor=SYSTEM, row=row, wish=wish)
    keyless = make_certificate("Keyless", data=site().der)
    with pytest.raises(Invalid, match="no private key"):
        export_certificate(actor=SYSTEM, row=keyless, wish=ExportWish("Pem", with_key=True))


def test_who_may_take_the_private_key() -> None:
    row = make_certificate()
    viewer = make_user()
    give_role(viewer, "userroles-projectviewer", default_space())
    actor = as_person(viewer).actor
    assert export_certificate(actor=actor, row=row, wish=ExportWish("Pem")).data
    for wish in (ExportWish(), ExportWish("Pem", with_key=True)):
        with pytest.raises(NotPermitted, match="CertificateExportPrivateKey"):
            export_certificate(actor=actor, row=row, wish=wish)


def test_each_mark_is_told_once() -> None:
    clock = SettableClock()
    row = make_certificate(data=issue(days=21).pem)
    make_certificate("Later", data=issue(days=100).pem)
    archived = make_certificate("Away", data=issue(days=1).pem)
    archive_certificate(actor=SYSTEM, row=archived)
    said = []
    for _ in range(24):
        tell_of_expiry(clock=clock)
        tell_of_expiry(clock=clock)
        clock.forward(DAY)
    events = Event.objects.filter(category__startswith="CertificateExpire").order_by("pk")
    said = [(event.category, event.message) for event in events]
    assert said == [
        ("CertificateExpiresIn20Days", "Certificate Shop expires in 19 days"),
        ("CertificateExpiresIn10Days", "Certificate Shop expires in 9 days"),
        ("CertificateExpired", "Certificate Shop expired today"),
    ]
    replace_certificate(
        actor=SYSTEM, row=fresh(row), file=UploadedFile(issue(days=30).pem), clock=clock
    )
    assert tell_of_expiry(clock=clock) == 1


def test_over_rest() -> None:
    ana, place = make_ana(), make_environment("Production")
    data = base64.b64encode(site().pfx("pa55")).decode()
    body: dict[str, Any] = {
        "Name": "Shop",
        "Notes": "for the shop",
        "CertificateData": {"HasValue": True, "NewValue": data},
        "Password": {"HasValue": True, "NewValue": "pa55"},
        "EnvironmentIds": [place.public_id],
    }
    status, made = send(ana, "post", f"{S}/certificates", body)
    assert status == 201
    assert made["SubjectCommonName"] == "shop.example.com"
    assert (made["HasPrivateKey"], made["IsExpired"], made["Archived"]) == (True, False, None)
    assert [each["SelfSigned"] for each in made["CertificateChain"]] == [False, True]
    assert made["Password"] == {"HasValue": True, "NewValue": None}
    assert data[:40] not in json.dumps(made)
    path = f"{S}/certificates/{made['Id']}"
    assert send(ana, "get", f"{S}/certificates/{made['Thumbprint'].lower()}")[1]["Id"] == made["Id"]
    status, changed = send(ana, "put", path, {**made, "Notes": "other"})
    assert (status, changed["Notes"], changed["Thumbprint"]) == (200, "other", made["Thumbprint"])
    newer = base64.b64encode(issue("new.example.com").pem_file()).decode()
    status, replaced = send(ana, "post", f"{path}/replace", {"CertificateData": newer})
    assert (status, replaced["Id"]) == (200, made["Id"])
    assert replaced["SubjectCommonName"] == "new.example.com"
    assert [row["Id"] for row in send(ana, "get", f"{S}/certificates")[1]["Items"]] == [made["Id"]]
    (past,) = send(ana, "get", f"{S}/certificates?archived=true")[1]["Items"]
    assert (past["ReplacedBy"], past["Thumbprint"]) == (made["Id"], made["Thumbprint"])
    assert send(ana, "post", f"{S}/certificates/{past['Id']}/unarchive")[0] == 400
    assert send(ana, "get", f"{S}/certificates?search=NEW.example")[1]["TotalResults"] == 1
    assert send(ana, "get", f"{S}/certificates?search=nothing")[1]["TotalResults"] == 0
    assert send(ana, "post", f"{path}/archive")[1]["Archived"]
    assert send(ana, "post", f"{path}/unarchive")[1]["Archived"] is None
    file = ana.api.get(f"{path}/export?format=Pem&includePrivateKey=true")
    assert b"PRIVATE KEY" in file.content
    wish = json.dumps({"Format": "Pkcs12", "IncludePrivateKey": True, "Password": "x"})
    file = ana.api.post(f"{path}/export", data=wish, content_type="application/json")
    assert pkcs12.load_pkcs12(file.content, b"x").key is not None
    make_variables(make_project("Web"), VariableInput("Site", made["Id"], kind="Certificate"))
    usages = send(ana, "get", f"{path}/usages")[1]
    assert [use["Name"] for use in usages["ProjectVariableSets"]] == ["Web"]
    assert send(ana, "delete", path)[0] == 400
    wrong: list[dict[str, Any]] = [
        {"Name": "X"},
        {"Name": "X", "CertificateData": "no base64!"},
        {"Name": "X", "CertificateData": base64.b64encode(b"hello").decode()},
        {"Name": "SHOP", "CertificateData": newer},
        {"Name": "X", "CertificateData": newer, "TenantTags": ["No/Tag"]},
        {"Name": "X", "CertificateData": data, "Password": "wrong"},
    ]
    for each in wrong:
        status, answer = send(ana, "post", f"{S}/certificates", each)
        assert (status, bool(answer["Errors"])) == (400, True), each


def test_generating_one_that_issues_itself() -> None:
    ana = make_ana()
    body = {"CommonName": "try.example.com", "Organization": "Acme"}
    status, made = send(ana, "post", f"{S}/certificates/generate", body)
    assert (status, made["Name"], made["SelfSigned"]) == (201, "try.example.com", True)
    assert (made["HasPrivateKey"], made["SubjectOrganization"]) == (True, "Acme")
    assert made["SubjectAlternativeNames"] == ["try.example.com"]
    for wrong in ({}, {"CommonName": "x" * 65}, {"Name": "Try", "CommonName": " "}, body):
        assert send(ana, "post", f"{S}/certificates/generate", wrong)[0] == 400, wrong


def test_the_pages() -> None:
    person = make_ana()
    ana, cleo = Visitor(person), Visitor(make_cleo(default_space()))
    assert "No certificates yet" in text_of(ana.get(PAGE))
    refused = ana.post(f"{PAGE}/new", {"name": "Shop"})
    assert (refused.status_code, "Choose the file" in text_of(refused)) == (400, True)
    upload = SimpleUploadedFile("shop.pfx", site().pfx("pa55"))
    made = ana.post(f"{PAGE}/new", {"name": "Shop", "file": upload, "password": "pa55"})
    row = Certificate.objects.in_space(default_space()).get()
    one = f"{PAGE}/{row.public_id}"
    assert made.headers["Location"].endswith(one)
    shown = text_of(ana.get(one))
    for words in (
        "CN=shop.example.com",
        "www.shop.example.com",
        "Complete",
        "Acme Root",
        "Good for",
    ):
        assert words in shown
    soon = issue("soon.example.com", days=5.5)
    assert ana.post(f"{one}/replace", {"pem": soon.pem_file().decode()}).status_code == 302
    shown = text_of(ana.get(one))
    assert "Expires in 5 days" in shown
    assert "What it replaced" in shown
    warned = "1 certificate has expired or expires within 20 days"
    assert warned in text_of(ana.get(PAGE))
    assert "Expires in 5 days" in text_of(ana.get(PAGE, {"state": "soon"}))
    assert "No certificate fits" in text_of(ana.get(PAGE, {"state": "expired"}))
    assert "Replaced" in text_of(ana.get(PAGE, {"state": "archived"}))
    assert ana.post(f"{one}/replace", {"pem": "hello"}).status_code == 400
    ana.post(one, {"name": "Store", "notes": "x"})
    assert fresh(row).name == "Store"
    ana.post(f"{one}/archive", {"to": "archive"})
    assert fresh(row).archived
    assert "is archived" in text_of(ana.get(one))
    ana.post(f"{one}/archive", {"to": "use"})
    file = ana.post(f"{one}/export", {"format": "Pem", "with_key": "on"})
    assert file.headers["Content-Disposition"] == 'attachment; filename="Store.pem"'
    assert b"PRIVATE KEY" in file.content
    ana.post(one, {"name": "商店", "notes": "x"})
    named = "attachment; filename*=utf-8''%E5%95%86%E5%BA%97.pem"
    exports = (
        ana.post(f"{one}/export", {"format": "Pem"}),
        person.api.get(f"{S}/certificates/{row.public_id}/export?format=Pem"),
    )
    assert {file.headers["Content-Disposition"] for file in exports} == {named}
    ana.post(one, {"name": "Store", "notes": "x"})
    seen = text_of(cleo.get(one))
    assert "CertificateExportPrivateKey" in seen
    assert cleo.post(f"{one}/export", {"format": "Pem", "with_key": "on"}).status_code == 403
    assert cleo.post(f"{one}/archive", {"to": "archive"}).status_code == 403
    ana.post(f"{one}/delete")
    assert not Certificate.objects.in_space(default_space()).exists()


def test_a_step_gets_the_parts_of_a_certificate() -> None:
    row = make_certificate(data=site().pfx("pa55"), password="pa55")
    scene = make_scene(script_step(roles="web"), variables=lambda _: [named(row)])
    (run,) = scene.runs()
    sent = {name: (text, secret) for name, text, secret in scene.spec(run)["variables"]}
    assert sent["Site"] == (row.public_id, False)
    assert sent["Site.Type"] == ("Certificate", False)
    assert sent["Site.Thumbprint"] == (row.thumbprint, False)
    assert sent["Site.CertificatePem"] == (site().pem.decode(), False)
    assert sent["Site.ChainPem"][0].count("BEGIN CERTIFICATE") == 2
    assert sent["Site.Certificate"] == (base64.b64encode(site().der).decode(), False)
    assert sent["Site.Password"] == ("pa55", True)
    text, secret = sent["Site.PrivateKeyPem"]
    assert secret
    key = load_pem_private_key(text.encode(), None)
    assert key.public_key() == site().key.public_key()
    for name in ("RawOriginal", "Pfx"):
        data, secret = sent[f"Site.{name}"]
        assert secret
        assert pkcs12.load_pkcs12(base64.b64decode(data), b"pa55").key is not None
    assert sent["Site.NotAfter"][0].endswith("+00:00")
    assert sent["Site.SubjectCommonName"] == ("shop.example.com", False)
