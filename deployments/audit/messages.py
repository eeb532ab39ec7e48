"""What subscribers are sent: signed documents to web addresses, digests by mail."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings

from deployments.access.services.request_settings import allows_loopback
from deployments.audit.filters import filter_from_wire, filter_to_wire
from deployments.audit.models import Delivery, Subscription
from deployments.audit.signing import HEADER, signature
from deployments.audit.wire import event_document
from deployments.base.api.dates import to_wire
from deployments.base.clock import Clock
from deployments.base.models import Event
from deployments.base.outgoing import Answer, HttpRequest
from deployments.base.outgoing import send as send_request
from deployments.base.secrets import secret_box
from deployments.base.settings_rows import opened_settings
from deployments.base.smtp import SmtpSettings
from deployments.base.smtp import send as send_mail

EVENT_TYPE: Final = "SubscriptionPayload"
_LONGEST_LINE: Final = 400


@dataclass(frozen=True, slots=True)
class Digest:
    """A mail about some events."""

    subject: str
    body: str


def send_event(
    subscription: Subscription, event: Event, delivery: Delivery, clock: Clock
) -> Answer:
    """Post one event. Raises OSError, ValueError and HTTPException."""
    return _post(subscription, event_document(event), delivery.public_id, clock)


def send_test(subscription: Subscription, clock: Clock) -> Answer:
    """Post an event that never happened. Raises as send_event does."""
    event = {
        "Id": "Events-0",
        "AutoId": 0,
        "SpaceId": subscription.space.public_id,
        "Category": "Test",
        "Occurred": to_wire(clock()),
        "Message": f"This is a test of the subscription {subscription.name}",
        "RelatedDocumentIds": [],
    }
    return _post(subscription, event, "SubscriptionDeliveries-0", clock)


def digest_of(subscription: Subscription, found: Sequence[Event], *, hidden: int) -> Digest:
    """Return the mail about the events, oldest first; `hidden` more are not in it."""
    zone = ZoneInfo(subscription.time_zone)
    count = len(found) + hidden
    events = "event" if count == 1 else "events"
    lines = [f"{count} {events} in {subscription.space.name}:", ""]
    for event in found:
        moment = event.occurred.astimezone(zone)
        message = " ".join(event.message.split())[:_LONGEST_LINE]
        lines.append(f"{moment:%Y-%m-%d %H:%M} {moment.tzname()}  {message} ({event.actor_name})")
    if hidden:
        lines.append(f"... and {hidden} more.")
    lines += ["", f"All of them: {_page(subscription, 'audit')}"]
    place = f"subscriptions/{subscription.public_id}"
    lines.append(f"Why you get this: {_page(subscription, place)}")
    subject = f"{subscription.name}: {count} {events} in {subscription.space.name}"
    return Digest(" ".join(subject.split()), "\n".join(lines) + "\n")


def send_digest(
    subscription: Subscription, delivery: Delivery, address: str, digest: Digest
) -> None:
    """Send the mail. Raises OSError and ValueError."""
    send_mail(
        SmtpSettings.read(opened_settings("smtp.")),
        [address],
        subject=digest.subject,
        body=digest.body,
        is_html=False,
        message_id=f"{delivery.public_id}.{delivery.attempts}",
        priority=subscription.email_priority,
    )


def _post(
    subscription: Subscription, event: dict[str, Any], delivery_id: str, clock: Clock
) -> Answer:
    now = clock()
    document = {
        "Timestamp": to_wire(now),
        "EventType": EVENT_TYPE,
        "Payload": {
            "ServerUri": settings.OCTOPUS.server_url,
            "ServerAuditUri": _page(subscription, "audit"),
            "BatchProcessingDate": to_wire(now),
            "Subscription": {
                "Id": subscription.public_id,
                "Name": subscription.name,
                "SpaceId": subscription.space.public_id,
                "Type": "Event",
                "IsDisabled": subscription.is_disabled,
                "Filter": filter_to_wire(filter_from_wire(subscription.wanted)),
            },
            "Event": event,
            "BatchId": delivery_id,
            "TotalEventsInBatch": 1,
            "EventNumberInBatch": 1,
        },
    }
    body = json.dumps(document).encode()
    box = secret_box()
    key = box.open(bytes(subscription.sealed_key or b""), place=subscription.key_place).reveal()
    headers = {
        "Content-Type": "application/json",
        "X-Octopus-Delivery": delivery_id,
        HEADER: signature(key, body, int(now.timestamp())),
    }
    if subscription.header_name and subscription.sealed_header:
        value = box.open(bytes(subscription.sealed_header), place=subscription.header_place)
        headers[subscription.header_name] = value.reveal()
    request = HttpRequest(
        "POST",
        subscription.webhook_uri,
        headers=headers,
        body=body,
        follow=False,
        allow_loopback=allows_loopback(),
    )
    return send_request(request, subscription.webhook_timeout_s)


def _page(subscription: Subscription, path: str) -> str:
    place = f"app/{subscription.space.public_id}/administration/{path}"
    return f"{settings.OCTOPUS.server_url}/{place}"
