"""Subscriptions: what is sent to whom, signed, once, again when it failed, and never too much."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.access.models import User
from deployments.access.services.request_settings import set_allow_loopback
from deployments.audit.backoff import WAITS
from deployments.audit.filters import EventFilter
from deployments.audit.models import Delivery, Subscription
from deployments.audit.services import matching
from deployments.audit.services.delivering import (
    deliver_due,
    forget_deliveries,
    send_again,
    try_webhook,
)
from deployments.audit.services.matching import ALONE, match_events
from deployments.audit.services.subscriptions import (
    SubscriptionValues,
    change_subscription,
    renew_key,
)
from deployments.audit.signing import HEADER, signature
from deployments.audit.subscribers import seen_at_address
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.following.alone import alone
from deployments.base.models import Event
from tests.deployments.audit.receiver import Receiver
from tests.deployments.audit.subscribing import (
    Interrupted,
    deliveries,
    happen,
    mailed_team,
    pass_by,
    subscribed,
)
from tests.factories import SYSTEM, default_space, make_ana, make_cleo, make_space
from tests.factories.domain import make_environment
from tests.factories.execution import SettableClock
from tests.factories.people import as_person, give_role, make_user
from tests.support.environment import runs_on_postgres

# On PostgreSQL an event is in the stream once its transaction has ended.
pytestmark = pytest.mark.django_db(transaction=runs_on_postgres())


def test_each_event_is_posted_once_signed_and_in_order(
    receiver: Receiver, clock: SettableClock
) -> None:
    ana = make_ana()
    happen("before")
    row = subscribed(
        ana, webhook_uri=receiver.url, header_name="Authorization", header_value="Bearer 12"
    )
    key = renew_key(actor=ana.actor, subscription=row).reveal()
    first, second = happen("one", "Projects-1"), happen("two")
    happen("elsewhere", space=make_space())
    happen("of the server", space=None)
    pass_by(clock)
    pass_by(clock)
    assert [event["Message"] for event in receiver.events] == ["one", "two"]
    assert [event["AutoId"] for event in receiver.events] == [first, second]
    assert receiver.events[0]["RelatedDocumentIds"] == ["Deployments-1", "Projects-1"]
    sent = receiver.headers[0]
    assert sent["Authorization"] == "Bearer 12"
    assert sent[HEADER] == signature(key, receiver.bodies[0], int(clock.now.timestamp()))
    assert sent["X-Octopus-Delivery"] == deliveries(row)[-2].public_id
    newest = deliveries(row)[-1]
    assert (newest.state, newest.status, newest.answer) == ("Sent", 200, "thank you")
    assert "Bearer 12" not in str(list(Event.objects.values()))


def test_a_failure_is_tried_again_later_and_given_up_in_the_end(
    receiver: Receiver, clock: SettableClock
) -> None:
    ana = make_ana()
    row = subscribed(
        ana, webhook_uri=receiver.url, wanted=EventFilter(document_types=("Deployments",))
    )
    receiver.status = 503
    happen("one")
    pass_by(clock)
    assert len(receiver.bodies) == 1
    delivery = deliveries(row)[0]
    assert (delivery.state, delivery.status) == ("Waiting", 503)
    assert delivery.problem == "The address answered 503."
    pass_by(clock)
    assert len(receiver.bodies) == 1, "not before its time"
    for wait in WAITS:
        clock.forward(wait.total_seconds())
        pass_by(clock)
    assert len(receiver.bodies) == 1 + len(WAITS)
    delivery.refresh_from_db()
    assert delivery.state == "Failed"
    failure = Event.objects.get(category="SubscriptionFailed")
    assert failure.subject_id == row.public_id
    receiver.status = 200
    send_again(actor=ana.actor, delivery=delivery, clock=clock)
    with pytest.raises(Invalid, match="still to be sent"):
        send_again(actor=ana.actor, delivery=delivery, clock=clock)
    pass_by(clock)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("Sent", 1)
    clock.now += timedelta(days=31)
    assert forget_deliveries(clock=clock) == 1


def test_a_broken_subscription_is_skipped_and_says_so(
    receiver: Receiver, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = make_ana()
    rows = [
        subscribed(ana, name=name, webhook_uri=receiver.url)
        for name in ("Rubbish", "Retired", "Failing", "Good")
    ]
    stored = Subscription.objects.in_space(default_space())
    stored.filter(pk=rows[0].pk).update(wanted={"EventCategories": 7})
    stored.filter(pk=rows[1].pk).update(wanted={"EventGroups": ["Retired"], "Projects": [None]})
    failing = rows[2].pk

    def seen(subscription: Subscription, pks: Any) -> Any:
        if subscription.pk == failing:
            Event.objects.none().aggregate(connection)  # what no code expects
        return seen_at_address(subscription, pks)

    monkeypatch.setattr(matching, "seen_at_address", seen)
    happen("one")
    pass_by(clock)
    assert [event["Message"] for event in receiver.events if event["Message"] == "one"] == ["one"]
    assert [len(deliveries(row)) for row in rows[:3]] == [0, 0, 0]
    problem = stored.get(pk=failing).problem
    assert problem.startswith("Events up to Events-")
    assert "passed over" in problem
    values = SubscriptionValues(name="Failing", webhook_uri=receiver.url)
    saved = change_subscription(actor=ana.actor, subscription=rows[2], values=values)
    assert saved.problem == ""


def test_an_address_that_fails_does_not_hold_up_others(
    receiver: Receiver, clock: SettableClock
) -> None:
    ana = make_ana()
    wanted = EventFilter(document_types=("Deployments",))
    dead = subscribed(ana, name="Dead", webhook_uri="http://127.0.0.1:1/x", wanted=wanted)
    subscribed(ana, name="Alive", webhook_uri=receiver.url, wanted=wanted)
    for number in range(3):
        happen(str(number))
    pass_by(clock)
    assert len(receiver.bodies) == 3
    assert [row.attempts for row in deliveries(dead)] == [1, 0, 0], "one time limit for a pass"


def test_what_cannot_be_read_any_more_does_not_hold_up_others(
    receiver: Receiver, clock: SettableClock
) -> None:
    ana = make_ana()
    wanted = EventFilter(document_types=("Deployments",))
    unreadable = subscribed(ana, name="Key", webhook_uri=receiver.url, wanted=wanted)
    team = mailed_team(ana.user)
    placeless = subscribed(ana, name="Zone", email_teams=(team.public_id,), wanted=wanted)
    broken = subscribed(ana, name="Teams", webhook_uri=receiver.url, wanted=wanted)
    subscribed(ana, name="Good", webhook_uri=receiver.url, wanted=wanted)
    happen("one")
    match_events(clock=clock)
    rows = Subscription.objects.in_space(default_space())
    rows.filter(pk=unreadable.pk).update(sealed_key=b"x")
    rows.filter(pk=placeless.pk).update(time_zone="Europe/Atlantis")
    rows.filter(pk=broken.pk).update(webhook_teams=7)  # what no code of ours has written
    clock.forward(3601)
    deliver_due(clock=clock)
    assert len(receiver.bodies) == 1
    assert "cannot be read with this master key" in deliveries(unreadable)[0].problem
    assert "Atlantis" in deliveries(placeless)[0].problem
    assert "cannot be sent: TypeError" in deliveries(broken)[0].problem


def test_a_worker_that_lost_its_claim_changes_nothing_more(
    receiver: Receiver, clock: SettableClock
) -> None:
    """It was away for longer than its claim; the rest is for the one that sends by now."""
    row = subscribed(make_ana(), webhook_uri=receiver.url)
    happen("one")
    happen("two")
    match_events(clock=clock)
    others = clock.now + timedelta(seconds=200)

    def meanwhile() -> None:
        rows = Subscription.objects.in_space(default_space()).filter(pk=row.pk)
        rows.update(claimed_until=others)
        Delivery.objects.in_space(default_space()).filter(pk=deliveries(row)[0].pk).update(
            attempts=2, answer="of the other one"
        )

    assert deliver_due(clock=Interrupted(clock, receiver, meanwhile)) == 1
    assert len(receiver.bodies) == 1
    row.refresh_from_db()
    assert row.claimed_until == others
    first, second = deliveries(row)
    assert (first.state, first.attempts, first.answer) == ("Waiting", 2, "of the other one")
    assert (second.state, second.attempts) == ("Waiting", 0)


def test_a_delivery_that_is_gone_does_not_come_back(
    receiver: Receiver, clock: SettableClock
) -> None:
    row = subscribed(make_ana(), webhook_uri=receiver.url)
    happen("one")
    match_events(clock=clock)

    def delete() -> None:
        Subscription.objects.in_space(default_space()).delete()

    assert deliver_due(clock=Interrupted(clock, receiver, delete)) == 1
    assert deliveries(row) == []


def test_a_pass_ends_after_a_minute(receiver: Receiver, clock: SettableClock) -> None:
    row = subscribed(make_ana(), webhook_uri=receiver.url)
    for number in range(5):
        happen(str(number))
    match_events(clock=clock)
    slow = Interrupted(clock, receiver, lambda: clock.forward(25))
    assert deliver_due(clock=slow) == 3
    row.refresh_from_db()
    assert row.claimed_until is None
    assert deliver_due(clock=clock) == 2


def test_who_finds_another_one_matching_does_not_wait(clock: SettableClock) -> None:
    subscribed(make_ana(), webhook_uri="http://a.example.org")
    happen("one")
    with alone(ALONE, longest=timedelta(minutes=5), clock=clock):
        assert match_events(clock=clock) == 0
    assert match_events(clock=clock) > 0


def test_what_an_owner_may_see_is_read_once_for_all_subscriptions(clock: SettableClock) -> None:
    cleo = as_person(make_user("eve"))
    give_role(cleo.user, "userroles-spacemanager", default_space())
    read: list[int] = []
    for name in ("One", "Two", "Three"):
        subscribed(cleo, name=name, webhook_uri="http://a.example.org")
        match_events(clock=clock)
        happen("one")
        with CaptureQueriesContext(connection) as queries:
            match_events(clock=clock)
        texts = [query["sql"] for query in queries]
        read.append(sum('FROM "access_scopeduserrole"' in text for text in texts))
    assert read == [1, 1, 1]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"webhook_uri": "ftp://example.org"}, "WebhookURI"),
        ({"webhook_uri": "http://user:password@example.org"}, "WebhookURI"),
        ({"webhook_uri": "http://example.org:99999999/"}, "WebhookURI"),
        ({"webhook_uri": "http://example.org/\r\nX: 1"}, "WebhookURI"),
        ({"webhook_timeout_s": 31}, "WebhookTimeout"),
        ({"email_period_s": 59}, "EmailFrequencyPeriod"),
        ({"time_zone": "../../etc/passwd"}, "EmailShowDatesInTimeZoneId"),
        ({"header_name": "Host"}, "WebhookHeaderKey"),
        ({"header_name": "X: y"}, "WebhookHeaderKey"),
        ({"header_name": "X", "header_value": "a\r\nB: c"}, "WebhookHeaderValue"),
        ({"wanted": EventFilter(categories=("Nothing",))}, "EventCategories"),
        ({"wanted": EventFilter(environments=("Environments-999999999",))}, "Environments"),
        ({"wanted": EventFilter(users=("someone",))}, "Users"),
        ({"email_teams": ("Teams-999999999",)}, "EmailTeams"),
        ({"name": " "}, "Name"),
    ],
)
def test_values_are_checked(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        subscribed(make_ana(), **change)
    assert list(refused.value.fields) == [field]


def test_only_those_who_may_subscribe() -> None:
    with pytest.raises(NotPermitted):
        subscribed(make_cleo(default_space()))


def test_redirects_are_not_followed_and_this_machine_only_when_allowed(
    receiver: Receiver, clock: SettableClock
) -> None:
    ana = make_ana()
    row = subscribed(ana, webhook_uri=receiver.url)
    receiver.status, receiver.location = 302, receiver.url
    with pytest.raises(Invalid, match="answered 302"):
        try_webhook(actor=ana.actor, subscription=row)
    assert len(receiver.bodies) == 1
    set_allow_loopback(actor=SYSTEM, allowed=False)
    with pytest.raises(Invalid, match="which is this server itself"):
        try_webhook(actor=ana.actor, subscription=row)
    for address in ("http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/"):
        values = SubscriptionValues(name="One", webhook_uri=address)
        moved = change_subscription(actor=ana.actor, subscription=row, values=values)
        with pytest.raises(Invalid, match="link-local"):
            try_webhook(actor=ana.actor, subscription=moved)


def test_another_address_needs_the_header_again() -> None:
    ana = make_ana()
    given: dict[str, Any] = {
        "name": "One",
        "webhook_uri": "http://a.example.org",
        "header_name": "X",
    }
    row = subscribed(ana, **given, header_value="secret")
    elsewhere = SubscriptionValues(**{**given, "webhook_uri": "http://evil.example.org"})
    with pytest.raises(Invalid, match="header's value again"):
        change_subscription(actor=ana.actor, subscription=row, values=elsewhere)
    same = SubscriptionValues(**given)
    assert change_subscription(actor=ana.actor, subscription=row, values=same).sealed_header


def test_the_address_gets_what_its_owner_may_see_now(
    receiver: Receiver, clock: SettableClock
) -> None:
    staging, production = make_environment(), make_environment()
    user = make_user("limited")
    held = give_role(
        user, "userroles-spacemanager", default_space(), {"environment": [staging.public_id]}
    )
    manager = as_person(make_user("eve"))
    give_role(manager.user, "userroles-spacemanager", default_space())
    row = subscribed(manager, webhook_uri=receiver.url)
    Subscription.objects.in_space(default_space()).update(owner=user)
    happen("to staging", staging.public_id)
    happen("to production", production.public_id)
    pass_by(clock)
    assert [event["Message"] for event in receiver.events] == ["to staging"]
    # What was found and waits is not sent once its reader may not see it.
    happen("to staging again", staging.public_id)
    match_events(clock=clock)
    User.objects.filter(pk=user.pk).update(is_active=False)
    deliver_due(clock=clock)
    assert len(receiver.bodies) == 1
    assert "may not see the event" in deliveries(row)[-1].problem
    assert held.pk


def test_teams_limit_what_the_address_gets(receiver: Receiver, clock: SettableClock) -> None:
    ana, staging, production = make_ana(), make_environment(), make_environment()
    held = give_role(
        make_user(),
        "userroles-projectviewer",
        default_space(),
        {"environment": [staging.public_id]},
    )
    subscribed(ana, webhook_uri=receiver.url, webhook_teams=(held.team.public_id,))
    happen("to staging", staging.public_id)
    happen("to production", production.public_id)
    pass_by(clock)
    assert [event["Message"] for event in receiver.events] == ["to staging"]


def test_a_disabled_subscription_is_silent(receiver: Receiver, clock: SettableClock) -> None:
    ana = make_ana()
    row = subscribed(ana, webhook_uri=receiver.url, is_disabled=True)
    happen("one")
    pass_by(clock)
    happen("two")
    values = SubscriptionValues(name="One", webhook_uri=receiver.url)
    change_subscription(actor=ana.actor, subscription=row, values=values)
    happen("three")
    pass_by(clock)
    assert [event["Message"] for event in receiver.events] == ["three"], "from then on"
