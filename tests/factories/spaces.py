"""Spaces."""

from deployments.access import services
from deployments.base.models import Space
from tests.factories.numbers import NUMBERS
from tests.factories.people import SYSTEM


def default_space() -> Space:
    """Return the space that the migrations made."""
    return Space.objects.get(is_default=True)


def make_space(name: str = "") -> Space:
    """Create a space."""
    return services.create_space(actor=SYSTEM, name=name or f"Space {next(NUMBERS)}")
