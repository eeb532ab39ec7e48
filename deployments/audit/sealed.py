"""How the secrets of subscriptions are turned when the master key changes."""

from deployments.audit.models import Subscription
from deployments.base.resealing import Turn, register_sealed_column


def register_sealed_columns() -> None:
    """Register the two, which are bound to places of their own."""
    register_sealed_column(Subscription, "sealed_header", _turn_header)
    register_sealed_column(Subscription, "sealed_key", _turn_key)


def _turn_header(row: Subscription, turn: Turn) -> bytes | None:
    return turn(bytes(row.sealed_header), row.header_place) if row.sealed_header else None


def _turn_key(row: Subscription, turn: Turn) -> bytes | None:
    return turn(bytes(row.sealed_key), row.key_place) if row.sealed_key else None
