"""Sending what waits: webhooks in their order, digests when they are due; what fails comes again.

One worker at a time sends for a subscription. After a failure the rest waits for the next pass, so
an address that does not answer costs one time limit per pass, and the others nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

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
from deployments.base.errors import Invalid, OctopusError
from deployments.base.models import Event
from deployments.base.outgoing import Answer

log = structlog.get_logger(__name__)

# Longer than one delivery may take; it is renewed after each.
_CLAIM: Final = timedelta(seconds=150)
_LONGEST_PASS: Final = timedelta(seconds=60)
_MOST_AT_ONCE: Final = 50
_KEPT: Final = timedelta(days=30)
_LONGEST_ANSWER: Final = 2000
_GOOD: Final = range(200, 300)
_EVERY_SPACE = "subscriptions follow the events of every space"
_OPEN: Final = (DeliveryState.COLLECTING, DeliveryState.WAITING)
# What a subscription can bring about that was stored wrongly, or whose key or zone is gone.
_FAILURES: Final = (OSError, ValueError, LookupError, HTTPException, OctopusError)


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
    return sum(_deliver_anyway(number, clock) for number in list(numbers))


def _deliver_anyway(number: int, clock: Clock) -> int:
    try:
        return deliver(number, clock=clock)
    except Exception:
        # Whatever one of them brings about, the others are served.
        log.exception("a subscription cannot be served", subscription=number)
        return 0


def deliver(number: int, *, clock: Clock = utc_now) -> int:
    """Send what is due for one subscription, unless another worker is at it."""
    now = clock()
    # A claim that ends too late is one of a clock that was wrong; those of nodes differ a little.
    free = Q(claimed_until=None) | Q(claimed_until__lte=now) | Q(claimed_until__gt=now + 2 * _CLAIM)
    claim = now + _CLAIM
    if not _subscriptions().filter(free, pk=number).update(claimed_until=claim):
        return 0
    count, end = 0, now + _LONGEST_PASS
    try:
        for delivery in _due(number, clock):
            renewed = clock() + _CLAIM
            if not _claimed(number, claim).update(claimed_until=renewed):
                break
            claim = renewed
            row = _claimed(number, claim).select_related("space", "owner").first()
            taken = _taken(delivery) if row is not None else None
            if row is None or taken is None:
                continue
            count += 1
            if not _attempt(row, taken, clock) or clock() >= end:
                break
    finally:
        _claimed(number, claim).update(claimed_until=None)
    return count


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


def _subscriptions() -> "QuerySet[Subscription]":
    return Subscription.objects.unscoped(reason=_EVERY_SPACE)


def _claimed(number: int, claim: datetime) -> "QuerySet[Subscription]":
    """Return the subscription while the claim is ours: nobody else's ends at the same moment."""
    return _subscriptions().filter(pk=number, claimed_until=claim)


def _due(number: int, clock: Clock) -> list[Delivery]:
    rows = _rows().filter(subscription=number, state__in=_OPEN, due__lte=clock())
    return list(rows.order_by("pk")[:_MOST_AT_ONCE])


def _taken(delivery: Delivery) -> Delivery | None:
    """Count the attempt, and take no more events into a digest; None when it is not to be sent."""
    rows = _rows().filter(pk=delivery.pk, state__in=_OPEN, attempts=delivery.attempts)
    if not rows.update(state=DeliveryState.WAITING, attempts=F("attempts") + 1):
        return None
    return _rows().select_related("recipient").filter(pk=delivery.pk).first()


def _attempt(subscription: Subscription, delivery: Delivery, clock: Clock) -> bool:
    act = _mail if delivery.recipient_id else _post
    try:
        sent = act(subscription, delivery, clock)
    except NotDelivered as error:
        _failed(subscription, delivery, error, clock)
        return False
    except Exception as error:
        log.exception("a delivery cannot be sent", subscription=subscription.pk)
        problem = NotDelivered(f"It cannot be sent: {type(error).__name__}.")
        _failed(subscription, delivery, problem, clock)
        return False
    _store(delivery, sent.answer, sent.note, state=DeliveryState.SENT, ended=clock())
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
    hidden = delivery.event_count - len(delivery.event_ids)
    try:
        digest = digest_of(subscription, found, hidden=hidden)
        send_digest(subscription, delivery, user.email, digest)
    except _FAILURES as error:
        raise NotDelivered(f"The mail was not sent: {_words(error)}") from error
    return _Sent()


def _tried(act: Callable[[], Answer]) -> Answer:
    try:
        return act()
    except _FAILURES as error:
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


def _store(delivery: Delivery, answer: Answer | None, problem: str, **values: Any) -> bool:
    """Keep what came of our attempt, unless the delivery is gone or was taken by another one."""
    rows = _rows().filter(pk=delivery.pk, state=DeliveryState.WAITING, attempts=delivery.attempts)
    return bool(
        rows.update(
            status=answer.status if answer else None,
            answer=_text(answer) if answer else "",
            problem=problem,
            **values,
        )
    )


def _text(answer: Answer) -> str:
    return answer.body.decode(errors="replace").replace("\x00", "")[:_LONGEST_ANSWER]


def _failed(
    subscription: Subscription, delivery: Delivery, error: NotDelivered, clock: Clock
) -> None:
    wait, problem = wait_after(delivery.attempts), str(error)
    log.info("delivery failed", subscription=subscription.pk, attempts=delivery.attempts)
    if wait is not None:
        _store(delivery, error.answer, problem, due=clock() + wait)
        return
    with transaction.atomic():
        state = DeliveryState.FAILED
        if not _store(delivery, error.answer, problem, state=state, ended=clock()):
            return
        events.record(
            actor=Actor.system("subscriptions"),
            space=subscription.space,
            category="SubscriptionFailed",
            message=(
                f"Subscription {subscription.name} gave up a delivery after"
                f" {delivery.attempts} attempts: {problem[:300]}"
            ),
            subject=subscription.public_id,
            clock=clock,
        )
