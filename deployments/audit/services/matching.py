"""Finding what subscribers want among new events; each event is looked at once.

All subscriptions follow the stream at one place. The place moves in the transaction that writes the
deliveries, so nothing is missed and nothing is delivered twice because a worker died here.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet

from deployments.access.grants import held_for_a_while
from deployments.audit.categories import categories_of
from deployments.audit.filters import EventFilter, chosen, filter_from_wire
from deployments.audit.models import Delivery, DeliveryState, Subscription
from deployments.audit.subscribers import recipients, seen_at_address, seen_by
from deployments.base.clock import Clock, utc_now
from deployments.base.following.alone import alone
from deployments.base.following.stream import (
    Place,
    Seen,
    forget_transactions,
    is_from_elsewhere,
    newest_place,
    read_after,
)
from deployments.base.models import Event, EventCursor

log = structlog.get_logger(__name__)

CURSOR: Final = "audit.subscriptions"
ALONE: Final = "audit.matching"
MOST_IN_DIGEST: Final = 100
_BATCH: Final = 200
_MOST_BATCHES: Final = 25
_LONGEST: Final = timedelta(minutes=5)
_EVERY_SPACE = "subscriptions follow the events of every space"


def match_events(*, clock: Clock = utc_now) -> int:
    """Write the deliveries that new events ask for; return how many events were looked at."""
    if not EventCursor.objects.filter(pk=CURSOR).exists():
        place = newest_place()
        EventCursor.objects.get_or_create(
            pk=CURSOR, defaults={"transaction_id": place.transaction_id, "event_id": place.event_id}
        )
    if not _has_news():
        return 0
    count = 0
    with alone(ALONE, longest=_LONGEST, clock=clock) as is_free:
        # Who waited for the row that another worker holds would be one worker less for all else.
        for _ in range(_MOST_BATCHES if is_free else 0):
            seen = _match_batch(clock)
            count += seen
            if seen < _BATCH:
                break
    return count


def _has_news() -> bool:
    """Look before writing: most of the time there is nothing."""
    cursor = EventCursor.objects.get(pk=CURSOR)
    place = Place(cursor.transaction_id, cursor.event_id)
    return is_from_elsewhere(place) or bool(read_after(place, limit=1))


def _match_batch(clock: Clock) -> int:
    with transaction.atomic():
        # An update that changes nothing holds the row, for a worker that is here all the same.
        EventCursor.objects.filter(pk=CURSOR).update(failures=F("failures"))
        cursor = EventCursor.objects.get(pk=CURSOR)
        place = Place(cursor.transaction_id, cursor.event_id)
        if is_from_elsewhere(place):
            forget_transactions()
            place = Place(0, place.event_id)
        seen = read_after(place, limit=_BATCH)
        if not seen:
            return 0
        rows = Subscription.objects.unscoped(reason=_EVERY_SPACE).filter(is_disabled=False)
        with held_for_a_while():
            for subscription in rows.select_related("space", "owner"):
                _match_anyway(subscription, seen, clock)
        end = seen[-1].place
        EventCursor.objects.filter(pk=CURSOR).update(
            transaction_id=end.transaction_id, event_id=end.event_id
        )
    return len(seen)


def _match_anyway(subscription: Subscription, seen: Sequence[Seen], clock: Clock) -> None:
    """Match for one subscription; whatever it brings about is told there, and stops no other."""
    problem = ""
    try:
        wanted = filter_from_wire(subscription.wanted)
        pks = _of_wanted_kinds(subscription, wanted, seen)
        if not pks:
            return
        with transaction.atomic():
            _match(subscription, wanted, pks, clock)
    except (OperationalError, InterfaceError):
        raise  # the database's trouble, and everybody's
    except Exception as error:
        log.exception("a subscription cannot be matched", subscription=subscription.pk)
        problem = f"Events up to Events-{seen[-1].place.event_id} were passed over at"
        problem += f" {clock():%Y-%m-%d %H:%M} UTC: {type(error).__name__}."
    if problem != subscription.problem:
        rows = Subscription.objects.unscoped(reason=_EVERY_SPACE)
        rows.filter(pk=subscription.pk).update(problem=problem)


def _of_wanted_kinds(
    subscription: Subscription, wanted: EventFilter, seen: Sequence[Seen]
) -> list[int]:
    kinds = categories_of(wanted.categories, wanted.groups)
    return [
        one.place.event_id
        for one in seen
        if one.place.event_id > subscription.begins_after and (not kinds or one.category in kinds)
    ]


def _match(
    subscription: Subscription, wanted: EventFilter, pks: Sequence[int], clock: Clock
) -> None:
    rows = Event.objects.filter(pk__in=pks, space=subscription.space)
    # What goes wrong with its own deliveries it does not tell itself, for ever.
    rows = rows.exclude(subject_id=subscription.public_id)
    found = list(chosen(rows, wanted, [subscription.space]).values_list("pk", flat=True))
    if not found:
        return
    if subscription.webhook_uri:
        _to_address(subscription, found, clock)
    if subscription.email_teams:
        _to_people(subscription, found, clock)


def _to_address(subscription: Subscription, found: Sequence[int], clock: Clock) -> None:
    now = clock()
    Delivery.objects.bulk_create(
        [
            Delivery(
                space=subscription.space,
                subscription=subscription,
                event_ids=[pk],
                event_count=1,
                state=DeliveryState.WAITING,
                created=now,
                due=now,
            )
            for pk in _in_order(seen_at_address(subscription, found))
        ]
    )


def _to_people(subscription: Subscription, found: Sequence[int], clock: Clock) -> None:
    for user in recipients(subscription):
        pks = _in_order(seen_by(user, subscription.space, found))
        if pks:
            _collect(subscription, user.pk, pks, clock)


def _collect(subscription: Subscription, user: int, pks: list[int], clock: Clock) -> None:
    """Add the events to the recipient's digest; the first one says when it is sent."""
    now = clock()
    rows = Delivery.objects.in_space(subscription.space).filter(
        subscription=subscription, recipient=user, state=DeliveryState.COLLECTING
    )
    open_one = rows.first()
    if open_one is not None:
        kept = [*open_one.event_ids, *pks][:MOST_IN_DIGEST]
        # It may have been taken for sending since it was read; then a new one begins.
        if rows.filter(pk=open_one.pk).update(
            event_ids=kept, event_count=open_one.event_count + len(pks)
        ):
            return
    Delivery.objects.create(
        space=subscription.space,
        subscription=subscription,
        recipient_id=user,
        event_ids=pks[:MOST_IN_DIGEST],
        event_count=len(pks),
        state=DeliveryState.COLLECTING,
        created=now,
        due=now + timedelta(seconds=subscription.email_period_s),
    )


def _in_order(rows: "QuerySet[Event]") -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True))
