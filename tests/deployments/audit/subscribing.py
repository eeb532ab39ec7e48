"""Subscriptions of the tests, what happens, and what was delivered."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from deployments.access.models import Team, User
from deployments.access.services import create_team
from deployments.audit.models import Delivery, Subscription
from deployments.audit.services.delivering import (
    deliver_due,
)
from deployments.audit.services.matching import match_events
from deployments.audit.services.subscriptions import (
    SubscriptionValues,
    create_subscription,
)
from deployments.base import events
from tests.deployments.audit.receiver import Receiver
from tests.factories import SYSTEM, Person, default_space
from tests.factories.execution import SettableClock


class Interrupted:
    """A clock that lets something happen between each answer and what is kept of it."""

    def __init__(
        self, clock: SettableClock, receiver: Receiver, meanwhile: Callable[[], None]
    ) -> None:
        self.clock, self.receiver, self.meanwhile = clock, receiver, meanwhile
        self.seen = 0

    def __call__(self) -> datetime:
        if len(self.receiver.bodies) > self.seen:
            self.seen = len(self.receiver.bodies)
            self.meanwhile()
        return self.clock.now


def happen(message: str, *related: str, **given: Any) -> int:
    values = {"category": "Tested", "subject": "Deployments-1", "space": default_space(), **given}
    return events.record(actor=SYSTEM, message=message, related=related, **values).pk


def subscribed(person: Person, **values: Any) -> Subscription:
    given = SubscriptionValues(**{"name": "One", **values})
    return create_subscription(actor=person.actor, space=default_space(), values=given)


def pass_by(clock: SettableClock) -> None:
    match_events(clock=clock)
    deliver_due(clock=clock)


def deliveries(subscription: Subscription) -> list[Delivery]:
    rows = Delivery.objects.in_space(default_space()).filter(subscription=subscription)
    return list(rows.order_by("pk"))


def mailed_team(*people: User) -> Team:
    for user in people:
        User.objects.filter(pk=user.pk).update(email=f"{user.username}@example.org")
    return create_team(actor=SYSTEM, space=default_space(), name="Mailed", members=list(people))
