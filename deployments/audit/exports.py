"""Events as files: read by key in batches, so that any number of them takes little memory."""

import csv
import io
from collections.abc import Iterator, Sequence

from django.db.models import Q

from deployments.access.effective.spreadsheet import plain_cell
from deployments.audit.archives.lines import line
from deployments.audit.categories import CATEGORIES
from deployments.audit.queries import Narrow, newest_events
from deployments.audit.wire import event_document, identity
from deployments.base.models import Event

_BATCH = 500
HEADINGS = (
    *("Id", "Occurred", "Category", "Kind", "Message", "User id", "User name", "Signed in by"),
    *("Address", "User agent", "Space", "About", "Related", "Changes"),
)


def batches(parts: Sequence[Q], narrow: Narrow) -> Iterator[list[Event]]:
    """Yield the events newest first, each batch by queries of its own."""
    found = newest_events(parts, narrow, limit=_BATCH)
    while found:
        yield found
        found = newest_events(parts, narrow, before=found[-1].pk, limit=_BATCH)


def as_json_lines(parts: Sequence[Q], narrow: Narrow) -> Iterator[bytes]:
    """Yield the lines of the events, as the archive has them."""
    for batch in batches(parts, narrow):
        yield b"".join(line(event_document(event)) for event in batch)


def as_csv(parts: Sequence[Q], narrow: Narrow) -> Iterator[bytes]:
    """Yield a table with headings; no cell is one that a spreadsheet would compute."""
    yield _text([HEADINGS])
    for batch in batches(parts, narrow):
        yield _text([_cells(event) for event in batch])


def _text(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([[plain_cell(cell) for cell in row] for row in rows])
    return out.getvalue().encode()


def _cells(event: Event) -> list[str]:
    changes = (
        f"{change['property']}: {change['before']} -> {change['after']}" for change in event.changes
    )
    return [
        event.public_id,
        event.occurred.isoformat(timespec="milliseconds"),
        event.category,
        CATEGORIES.get(event.category, event.category),
        event.message,
        event.actor_id,
        event.actor_name,
        identity(event),
        event.ip_address,
        event.user_agent,
        f"Spaces-{event.space_id}" if event.space_id else "",
        event.subject_id,
        " ".join(sorted(row.document_id for row in event.related.all())),
        "; ".join(changes),
    ]
