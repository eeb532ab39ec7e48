"""A button means the places that the page showed with it, whatever was marked since."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Protocol

from django.http import QueryDict

from deployments.base.errors import Invalid
from deployments.releases.services.several import Place

_CHANGED: Final = (
    "The places are no longer those that were shown beside the button. Look at them again, then go"
    " on."
)


class Lane(Protocol):
    """A place of the form."""

    @property
    def place(self) -> Place: ...


def mark_of(lanes: Sequence[Lane]) -> str:
    """Return a mark that the form sends back; other places have another."""
    names = sorted(str(lane.place) for lane in lanes)
    return sha256("\n".join(names).encode()).hexdigest()[:16]


def check_shown(lanes: Sequence[Lane], sent: QueryDict) -> None:
    """Raise Invalid when the page has shown other places; a form without a mark has shown none."""
    if sent.get("shown") and sent["shown"] != mark_of(lanes):
        raise Invalid(_CHANGED)
