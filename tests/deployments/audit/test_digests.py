"""Digests by mail: what each recipient may see, gathered and sent together."""

from email.message import Message

import pytest

from deployments.access.services.mail_settings import save_mail_settings
from deployments.audit.filters import EventFilter
from deployments.audit.services.delivering import (
    deliver_due,
)
from deployments.audit.services.matching import match_events
from tests.deployments.audit.subscribing import (
    deliveries,
    happen,
    mailed_team,
    pass_by,
    subscribed,
)
from tests.deployments.execution.smtp_server import smtp_server
from tests.factories import SYSTEM, default_space, make_ana, make_cleo
from tests.factories.domain import make_environment
from tests.factories.execution import SettableClock
from tests.factories.people import give_role, make_user
from tests.support.environment import runs_on_postgres

# On PostgreSQL an event is in the stream once its transaction has ended.
pytestmark = pytest.mark.django_db(transaction=runs_on_postgres())


def text_of(mail: Message) -> str:
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


def test_digests_tell_each_recipient_what_they_may_see(clock: SettableClock) -> None:
    ana, staging, production = make_ana(), make_environment(), make_environment()
    cleo, limited, nobody = make_cleo(default_space()), make_user("limited"), make_user("nobody")
    give_role(
        limited,
        "userroles-projectviewer",
        default_space(),
        {"environment": [staging.public_id]},
    )
    team = mailed_team(cleo.user, limited, nobody)
    wanted = EventFilter(document_types=("Deployments",))
    row = subscribed(
        ana,
        name="News",
        email_teams=(team.public_id,),
        email_period_s=600,
        email_priority="High",
        time_zone="Europe/Berlin",
        wanted=wanted,
    )
    happen("to staging", staging.public_id)
    pass_by(clock)
    happen("to production\nBcc: x", production.public_id)
    with smtp_server() as mailbox:
        save_mail_settings(
            actor=SYSTEM, host="127.0.0.1", port=mailbox.port, sender="octopus@example.org"
        )
        pass_by(clock)
        assert mailbox.mails == []
        clock.forward(601)
        pass_by(clock)
        pass_by(clock)
        mails = dict(mailbox.mails)
    assert set(mails) == {"cleo@example.org", "limited@example.org"}
    body = text_of(mails["cleo@example.org"])
    assert "2 events in Default" in body
    assert "to staging (system)" in body
    assert "to production Bcc: x (system)" in body
    assert f"administration/subscriptions/{row.public_id}" in body
    assert mails["cleo@example.org"]["Subject"] == "News: 2 events in Default"
    assert mails["cleo@example.org"]["X-Priority"] == "1 (Highest)"
    assert "production" not in text_of(mails["limited@example.org"])
    assert {one.state for one in deliveries(row)} == {"Sent"}


def test_a_digest_without_a_mail_server_is_tried_again(clock: SettableClock) -> None:
    ana = make_ana()
    row = subscribed(
        ana,
        email_teams=(mailed_team(ana.user).public_id,),
        wanted=EventFilter(document_types=("Deployments",)),
    )
    for number in range(120):
        happen(str(number))
    match_events(clock=clock)
    clock.forward(3601)
    deliver_due(clock=clock)
    (delivery,) = deliveries(row)
    assert (delivery.state, delivery.event_count, len(delivery.event_ids)) == ("Waiting", 120, 100)
    assert "no SMTP server" in delivery.problem
    happen("the next")
    match_events(clock=clock)
    assert [one.event_count for one in deliveries(row)] == [120, 1], "a digest on its way is closed"
