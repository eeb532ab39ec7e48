"""Sealed values under another master key: where they are, and turning each of them."""

from deployments.base.resealing.columns import (
    SealedColumn,
    Turn,
    register_sealed_column,
    sealed_columns,
    turned_text,
)

__all__ = [
    "SealedColumn",
    "Turn",
    "register_sealed_column",
    "sealed_columns",
    "turned_text",
]
