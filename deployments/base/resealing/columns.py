"""Which columns hold sealed values, and what each value in them is bound to."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

# Takes a sealed value and its place; returns it sealed with the master key of today.
Turn = Callable[[bytes, str], bytes]
# Takes a row and a Turn; returns the new value of the column.
Change = Callable[[Any, Turn], Any]

_PREFIX = "sealed_"


@dataclass(frozen=True)
class SealedColumn:
    """A column with sealed values, and how to make its value anew."""

    model: type[models.Model]
    column: str
    change: Change

    @property
    def name(self) -> str:
        return f"{self.model._meta.label_lower}.{self.column}"  # noqa: SLF001 documented


_registered: dict[tuple[type[models.Model], str], SealedColumn] = {}


def register_sealed_column(model: type[models.Model], column: str, change: Change) -> None:
    """Say how the values of a column are turned; apps call this in their `ready()`.

    A binary column `sealed_…` of a model with a `secret_place` needs no registration.
    """
    _registered[model, column] = SealedColumn(model, column, change)


def sealed_columns() -> list[SealedColumn]:
    """Return every column with sealed values; raises TypeError for one nobody described."""
    found = dict(_registered)
    for model in apps.get_models():
        for field in model._meta.concrete_fields:  # noqa: SLF001 documented
            key = (model, field.name)
            if not is_sealed_by_its_name(field) or key in found:
                continue
            if not hasattr(model, "secret_place"):
                raise TypeError(f"{field} does not say what it is bound to.")
            found[key] = SealedColumn(model, field.name, _turn_whole(field.name))
    return sorted(found.values(), key=lambda column: column.name)


def is_sealed_by_its_name(field: "models.Field[Any, Any]") -> bool:
    """Tell whether a column's kind and name say that it holds a sealed value."""
    return isinstance(field, models.BinaryField) and field.name.startswith(_PREFIX)


def turned_text(sealed: str, place: str, turn: Turn) -> str:
    """Turn a value that is base64 inside a document."""
    return base64.b64encode(turn(base64.b64decode(sealed), place)).decode()


def _turn_whole(column: str) -> Change:
    def change(row: Any, turn: Turn) -> Any:
        value = getattr(row, column)
        return None if value is None else turn(bytes(value), row.secret_place)

    return change
