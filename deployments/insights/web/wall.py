"""The dashboard for a screen on the wall: large, live, without navigation, what is wrong first."""

from collections.abc import Collection, Sequence
from typing import Final

from django.http import HttpResponse

from deployments.access.web.forms import show
from deployments.access.web.pages import PageRequest
from deployments.base.clock import utc_now
from deployments.infrastructure.models import Environment
from deployments.insights.board import URGENT, ProjectFact, urgent_first
from deployments.insights.queries import Board
from deployments.insights.tenants import tallies_of

WALL: Final = "wall"
# As many as can be read from afar; the others are counted.
_ROWS: Final = 10
# (the tab whose projects are counted, what people read, icon)
_COUNTS: Final = (
    ("failing", "Failing", "bad"),
    ("waiting", "Waiting for a person", "waits"),
    ("running", "Running", "run"),
)


def show_wall(
    request: PageRequest,
    board: Board,
    facts: Sequence[ProjectFact],
    environments: Sequence[Environment],
    *,
    among: Collection[int] | None,
) -> HttpResponse:
    """Show the projects of a board that need somebody, then the others, as many as fit.

    `among` are the tenants that count, None counts all.
    """
    standing = board.tabs()
    shown = {each.number for each in facts}
    rows = board.rows(urgent_first(facts, standing)[:_ROWS])
    uneasy = {number for tab in URGENT for number in standing[tab]} & shown
    values = {
        "rows": rows,
        "columns": environments,
        "names": {place.pk: place for place in environments},
        "tallies": tallies_of(request.actor, request.space, rows, among=among),
        "counts": [
            *((tab, label, icon, len(standing[tab] & shown)) for tab, label, icon in _COUNTS),
            ("quiet", "In order", "ok", len(shown - uneasy)),
        ],
        "left_out": len(facts) - len(rows),
        "now": utc_now(),
        "address": _without_view(request),
    }
    is_part = request.headers.get("HX-Target") == WALL
    return show(request, "insights/_wall.html" if is_part else "insights/wall.html", values)


def _without_view(request: PageRequest) -> str:
    address = request.GET.copy()
    address.pop("view", None)
    return address.urlencode()
