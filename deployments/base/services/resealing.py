"""Sealing everything anew after the master key was changed; to be run again until it is done."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.querysets import SpaceManager
from deployments.base.resealing import SealedColumn, sealed_columns
from deployments.base.secrets import SecretUnreadable, secret_box

_BATCH = 200
_REASON = "the master key was changed"


@dataclass
class Resealed:
    """What a column had: values, those that another key sealed, and rows nobody can read."""

    name: str
    values: int = 0
    changed: int = 0
    unreadable: list[Any] = field(default_factory=list)


def reseal(*, actor: Actor, only_count: bool = False) -> list[Resealed]:
    """Seal with the master key what other known keys sealed, some rows a transaction.

    It may be ended at any moment and begun again, and others may write meanwhile: a row is read
    again and written under its lock. With `only_count` nothing is written.
    """
    found = [_reseal_column(column, only_count=only_count) for column in sealed_columns()]
    changed = sum(each.changed for each in found)
    if changed and not only_count:
        events.record(
            actor=actor,
            space=None,
            category="Modified",
            message=f"The master key was changed: {changed} secrets were sealed anew",
        )
    return found


def _reseal_column(column: SealedColumn, *, only_count: bool) -> Resealed:
    found = Resealed(column.name)
    rows = _rows(column)
    batch = list(rows[:_BATCH])
    while batch:
        old = [row.pk for row in batch if _count(column, row, found)]
        if old and not only_count:
            with transaction.atomic():
                _turn_rows(column, rows.filter(pk__in=old))
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:_BATCH])
    return found


def _rows(column: SealedColumn) -> QuerySet[Any]:
    manager: Any = column.model._default_manager  # noqa: SLF001 documented
    is_guarded = isinstance(manager, SpaceManager)
    rows: QuerySet[Any] = manager.unscoped(reason=_REASON) if is_guarded else manager.all()
    return rows.exclude(**{column.column: None}).order_by("pk")


def _count(column: SealedColumn, row: Any, found: Resealed) -> bool:
    """Count the row's values; tell whether some are of another key and can be turned."""
    box, before = secret_box(), found.changed

    def look(sealed: bytes, place: str) -> bytes:
        found.values += 1
        if not box.is_current(sealed, place=place):
            box.open(sealed, place=place)
            found.changed += 1
        return sealed

    try:
        column.change(row, look)
    except SecretUnreadable:
        found.unreadable.append(row.pk)
        return False
    return found.changed > before


def _turn_rows(column: SealedColumn, rows: QuerySet[Any]) -> None:
    rows.update(**{column.column: F(column.column)})  # locks them
    for row in rows:
        rows.filter(pk=row.pk).update(**{column.column: column.change(row, _turn)})


def _turn(sealed: bytes, place: str) -> bytes:
    box = secret_box()
    return sealed if box.is_current(sealed, place=place) else box.seal_anew(sealed, place=place)
