"""Sending what waits: webhooks in their order, digests when they are due; what fails comes again.

One worker at a time sends for a subscription. After a failure the rest waits for the next pass, so
an address that does not answer costs one time limit per pass, and the others nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.audit.backoff import wait_after
from deployments.audit.messages import (
    digest_of,
    send_digest,
    send_event,
    send_test,
)
from deployments.audit.models import Delivery, DeliveryState, Subscription
from deployments.audit.subscribers import seen_at_address, seen_by
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Event
from deployments.base.outgoing import Answer

log = structlog.get_logger(__name__)

_CLAIM: Final = timedelta(seconds=120)
_MOST_AT_ONCE: Final = 50
_KEPT: Final = timedelta(days=30)
_LONGEST_ANSWER: Final = 2000
_GOOD: Final = range(200, 300)
_EVERY_SPACE = "subscriptions follow the events of every space"
_OPEN: Final = (DeliveryState.COLLECTING, DeliveryState.WAITING)


class NotDelivered(Exception):
    """The delivery failed; the text is for the log that people read."""

    def __init__(self, problem: str, answer: Answer | None = None) -> None:
        super().__init__(problem)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came of a delivery."""

    answer: Answer | None = None
    note: str = ""


def deliver_due(*, clock: Clock = utc_now) -> int:
    """Send what is due for every subscription; return how many deliveries were tried."""
    due = _rows().filter(state__in=_OPEN, due__lte=clock(), subscription__is_disabled=False)
    numbers = due.order_by().values_list("subscription", flat=True).distinct()
    return sum(deliver(number, clock=clock) for number in list(numbers))


def deliver(number: int, *, clock: Clock = utc_now) -> int:
    """Send what is due for one subscription, unless another worker is at it."""
    now = clock()
    rows = Subscription.objects.unscoped(reason=_EVERY_SPACE).filter(pk=number)
    free = Q(claimed_until=None) | Q(claimed_until__lte=now) | Q(claimed_until__gt=now + _CLAIM)
    if not rows.filter(free).update(claimed_until=now + _CLAIM):
        return 0
    try:
        return _deliver(rows.select_related("space", "owner").get(), clock)
    finally:
        rows.update(claimed_until=None)


def send_again(*, actor: Actor, delivery: Delivery, clock: Clock = utc_now) -> None:
    """Have a delivery sent once more. Raises NotPermitted, Invalid."""
    require(actor, delivery.space, Permission.SubscriptionEdit)
    rows = _rows().filter(pk=delivery.pk, state__in=(DeliveryState.SENT, DeliveryState.FAILED))
    with transaction.atomic():
        if not rows.update(state=DeliveryState.WAITING, due=clock(), attempts=0, ended=None):
            raise Invalid("The delivery is still to be sent.")
        events.record(
            actor=actor,
            space=delivery.space,
            category="Modified",
            message=f"Subscription {delivery.subscription.name} sends a delivery again",
            subject=delivery.subscription.public_id,
            clock=clock,
        )


def try_webhook(*, actor: Actor, subscription: Subscription, clock: Clock = utc_now) -> Answer:
    """Send a test to the web address and return its answer. Raises NotPermitted, Invalid."""
    require(actor, subscription.space, Permission.SubscriptionEdit)
    if not subscription.webhook_uri:
        raise Invalid("The subscription has no web address.")
    try:
        answer = send_test(subscription, clock)
    except (OSError, ValueError, HTTPException) as error:
        raise Invalid(f"The test was not delivered: {_words(error)}") from error
    if answer.status not in _GOOD:
        raise Invalid(f"The address answered {answer.status}: {_text(answer)[:200]}")
    return answer


def forget_deliveries(*, clock: Clock = utc_now) -> int:
    """Delete what is in the log of deliveries for longer than a month."""
    return _rows().filter(ended__lt=clock() - _KEPT).delete()[0]


def _rows() -> "QuerySet[Delivery]":
    return Delivery.objects.unscoped(reason=_EVERY_SPACE)


def _deliver(subscription: Subscription, clock: Clock) -> int:
    rows = _rows().filter(subscription=subscription, state__in=_OPEN, due__lte=clock())
    count = 0
    for delivery in list(rows.select_related("recipient").order_by("pk")[:_MOST_AT_ONCE]):
        # A digest takes no more events from here on.
        _rows().filter(pk=delivery.pk).update(state=DeliveryState.WAITING)
        delivery.refresh_from_db()
        count += 1
        if not _attempt(subscription, delivery, clock):
            break
        claim = Subscription.objects.unscoped(reason=_EVERY_SPACE).filter(pk=subscription.pk)
        claim.update(claimed_until=clock() + _CLAIM)
    return count


def _attempt(subscription: Subscription, delivery: Delivery, clock: Clock) -> bool:
    act = _mail if delivery.recipient_id else _post
    delivery.attempts += 1
    try:
        sent = act(subscription, delivery, clock)
    except NotDelivered as error:
        _note(delivery, error.answer, str(error))
        _failed(subscription, delivery, clock)
        return False
    _note(delivery, sent.answer, sent.note)
    delivery.state, delivery.ended = DeliveryState.SENT, clock()
    delivery.save()
    return True


def _post(subscription: Subscription, delivery: Delivery, clock: Clock) -> _Sent:
    rows = seen_at_address(subscription, delivery.event_ids)
    event = rows.prefetch_related("related").first()
    if event is None:
        return _Sent(note=_gone(delivery))
    answer = _tried(lambda: send_event(subscription, event, delivery, clock))
    if answer.status not in _GOOD:
        raise NotDelivered(f"The address answered {answer.status}.", answer)
    return _Sent(answer)


def _mail(subscription: Subscription, delivery: Delivery, _: Clock) -> _Sent:
    user = delivery.recipient
    if user is None or not user.is_active or not user.email:
        return _Sent(note="Not sent: the recipient may not sign in or has no address any more.")
    rows = seen_by(user, subscription.space, delivery.event_ids)
    found = list(rows.order_by("pk"))
    if not found:
        return _Sent(note=_gone(delivery))
    digest = digest_of(subscription, found, hidden=delivery.event_count - len(delivery.event_ids))
    try:
        send_digest(subscription, delivery, user.email, digest)
    except (OSError, ValueError) as error:
        raise NotDelivered(f"The mail was not sent: {error}") from error
    return _Sent()


def _tried(act: Callable[[], Answer]) -> Answer:
    try:
        return act()
    except (OSError, ValueError, HTTPException) as error:
        raise NotDelivered(_words(error)) from error


def _words(error: Exception) -> str:
    return str(error)[:500] or type(error).__name__


def _gone(delivery: Delivery) -> str:
    kept = Event.objects.filter(pk__in=delivery.event_ids).exists()
    return (
        "Not sent: who saved the subscription, or gets it, may not see the event any more."
        if kept
        else "Not sent: the event is in the archive only."
    )


def _note(delivery: Delivery, answer: Answer | None, problem: str) -> None:
    delivery.status = answer.status if answer else None
    delivery.answer = _text(answer) if answer else ""
    delivery.problem = problem


def _text(answer: Answer) -> str:
    return answer.body.decode(errors="replace").replace("\x00", "")[:_LONGEST_ANSWER]


def _failed(subscription: Subscription, delivery: Delivery, clock: Clock) -> None:
    wait = wait_after(delivery.attempts)
    log.info("delivery failed", subscription=subscription.pk, attempts=delivery.attempts)
    if wait is not None:
        delivery.state, delivery.due = DeliveryState.WAITING, clock() + wait
        delivery.save()
        return
    with transaction.atomic():
        delivery.state, delivery.ended = DeliveryState.FAILED, clock()
        delivery.save()
        events.record(
            actor=Actor.system("subscriptions"),
            space=subscription.space,
            category="SubscriptionFailed",
            message=(
                f"Subscription {subscription.name} gave up a delivery after"
                f" {delivery.attempts} attempts: {delivery.problem[:300]}"
            ),
            subject=subscription.public_id,
            clock=clock,
        )
