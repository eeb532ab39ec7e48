"""An event as a document: on the wire, in archives, exports and what is sent to subscribers."""

from typing import Any, Final

from deployments.audit.clients import client_of
from deployments.base.api.dates import to_wire
from deployments.base.models import Event

DERIVED: Final = frozenset({"EventAgent", "IsService"})
"""What is no part of an event: another version of the server may say it differently."""


def event_document(event: Event, *, with_differences: bool = True) -> dict[str, Any]:
    """Return the event's properties by their names on the wire; prefetch `related`."""
    changes = {"DocumentContext": event.subject_id or None, "Differences": event.changes}
    return {
        "Id": event.public_id,
        "AutoId": event.pk,
        "SpaceId": f"Spaces-{event.space_id}" if event.space_id else None,
        "Category": event.category,
        "Occurred": to_wire(event.occurred),
        "Message": event.message,
        "UserId": event.actor_id,
        "Username": event.actor_name,
        "IsService": event.authentication in {"System", "Automation", "Agent"},
        "IdentityEstablishedWith": identity(event),
        "IpAddress": event.ip_address,
        "UserAgent": event.user_agent,
        "EventAgent": client_of(event.authentication, event.user_agent),
        "RelatedDocumentIds": sorted(row.document_id for row in event.related.all()),
        "ChangeDetails": changes if with_differences else None,
    }


def identity(event: Event) -> str:
    """Return how the actor was known: the kind, and which API key."""
    return f"{event.authentication} {event.credential}".strip()
