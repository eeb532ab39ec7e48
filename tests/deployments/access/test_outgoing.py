"""Mail and request settings: changed by the right people, tried over a real SMTP server."""

from typing import Any

import pytest
from django.conf import settings

from deployments.access.services import save_mail_settings, send_test_mail
from deployments.access.services.mail_settings import mail_settings
from deployments.access.services.request_settings import allows_loopback
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event, ServerSetting
from octopus_site.conf import read_configuration
from tests.deployments.calls import send
from tests.deployments.execution.smtp_server import smtp_server
from tests.factories.people import make_ana, make_cleo
from tests.factories.spaces import default_space
from tests.support.environment import MASTER_KEY
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PATH = "/api/smtpconfiguration"
BODY = {
    "SmtpHost": "mail.example.org",
    "SmtpPort": 587,
    "SendEmailFrom": "octopus@example.org",
    "EnableSsl": True,
    "SmtpLogin": "octopus",
    "SmtpPassword": {"HasValue": True, "NewValue": "battery staple"},
    "Timeout": 5000,
}


def test_rest_keeps_the_password_to_itself() -> None:
    ana = make_ana()
    assert send(ana, "get", f"{PATH}/isconfigured") == (200, {"IsConfigured": False})
    status, saved = send(ana, "put", PATH, BODY)
    assert status == 200
    assert saved["Encryption"] == "starttls"
    assert saved["SmtpPassword"] == {"HasValue": True, "NewValue": None}
    _, read = send(ana, "get", PATH)
    assert read == saved
    # What was read, sent back, changes nothing.
    _, again = send(ana, "put", PATH, read)
    assert again == saved
    assert send(ana, "get", f"{PATH}/isconfigured") == (200, {"IsConfigured": True})
    stored = str(list(ServerSetting.objects.values_list("value", flat=True)))
    events = str(list(Event.objects.values()))
    assert "battery" not in stored + events + str(read)
    _, removed = send(ana, "put", PATH, {**BODY, "SmtpPassword": {"HasValue": False}})
    assert removed["SmtpPassword"]["HasValue"] is False


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"SmtpHost": "mail:25"}, "SmtpHost"),
        ({"SmtpPort": 70000}, "SmtpPort"),
        ({"SendEmailFrom": "nobody"}, "SendEmailFrom"),
        ({"Encryption": "rot13"}, "Encryption"),
        ({"Timeout": 10_000_000}, "Timeout"),
    ],
)
def test_nonsense_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    status, body = send(make_ana(), "put", PATH, {**BODY, **change})
    assert status == 400
    assert field in str(body)
    assert not mail_settings().is_configured


def test_only_who_configures_the_server_may() -> None:
    cleo = make_cleo(default_space())
    assert send(cleo, "get", PATH)[0] == 403
    assert send(cleo, "put", PATH, BODY)[0] == 403
    assert Visitor(cleo).get("administration/outgoing").status_code == 403
    with pytest.raises(NotPermitted):
        send_test_mail(actor=cleo.actor, address="a@example.org")


def test_the_page_saves_tries_and_says_what_failed() -> None:
    ana = Visitor(make_ana())
    assert "No mail can be sent yet" in text_of(ana.get("administration/outgoing"))
    with smtp_server() as mailbox:
        form = {
            "host": "127.0.0.1",
            "port": str(mailbox.port),
            "sender": "octopus@example.org",
            "encryption": "none",
        }
        assert ana.post("administration/outgoing", form).status_code == 302
        sent = ana.post("administration/outgoing/test", {"address": "ana@example.org"})
        assert sent.status_code == 302
        assert [to for to, _ in mailbox.mails] == ["ana@example.org"]
        mailbox.refused = frozenset({"ben@example.org"})
        refused = ana.post("administration/outgoing/test", {"address": "ben@example.org"})
        assert "The mail server answered 550 no such user" in text_of(refused)
        wrong = ana.post("administration/outgoing", {**form, "port": "many"})
        assert wrong.status_code == 400
        assert "A number from 1" in text_of(wrong)
    away = ana.post("administration/outgoing/test", {"address": "ana@example.org"})
    assert away.status_code == 400
    assert "The mail was not sent" in text_of(away)


def test_requests_to_this_machine_are_allowed_by_choice() -> None:
    ana = Visitor(make_ana())
    assert not allows_loopback()
    assert ana.post("administration/outgoing/requests", {"allow_loopback": "on"}).status_code == 302
    assert allows_loopback()
    ana.post("administration/outgoing/requests")
    assert not allows_loopback()


@pytest.mark.parametrize(
    ("networks", "words"),
    [
        ("", "reach all private networks (the setting OCTOPUS_PRIVATE_NETWORKS narrows that)"),
        ("10.1.0.0/16", "reach of private networks 10.1.0.0/16 (OCTOPUS_PRIVATE_NETWORKS)"),
        ("none", "reach of private networks none (OCTOPUS_PRIVATE_NETWORKS)"),
    ],
)
def test_the_page_says_which_private_networks_are_reached(
    networks: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"OCTOPUS_MASTER_KEY": MASTER_KEY, "OCTOPUS_PRIVATE_NETWORKS": networks}
    monkeypatch.setattr(settings, "OCTOPUS", read_configuration(environment))
    assert words in text_of(Visitor(make_ana()).get("administration/outgoing"))


def test_an_empty_password_of_none_keeps_the_stored_one() -> None:
    actor = make_ana().actor
    given: dict[str, Any] = {"host": "mail", "port": 25, "sender": "o@example.org"}
    assert save_mail_settings(actor=actor, password="secret", **given).has_password
    assert save_mail_settings(actor=actor, **given).has_password
    assert not save_mail_settings(actor=actor, password="", **given).has_password
    with pytest.raises(Invalid):
        save_mail_settings(actor=actor, **{**given, "port": 0})
