"""Removing what was in deleted spaces, a few rows at a time."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models import F, ProtectedError, RestrictedError

from deployments.base.models import Deletion, Event, Space, SpaceOwned

ROWS = 200
# Shorter than the beat's minute and than the broker's patience, so that one runs at a time.
SECONDS = 40.0


def empty_deleted_spaces(*, seconds: float = SECONDS) -> bool:
    """Delete batches of rows for so long, one at least; returns whether everything is gone.

    Each batch is a transaction of its own: a crash loses nothing, and two at once do no harm.
    """
    end = time.monotonic() + seconds
    for space in Space.every.filter(deletion=Deletion.RUNNING).order_by("pk"):
        for _ in _batches_of(space):
            if time.monotonic() >= end:
                return False
        _forget(space)
    return True


def look_again_at_deleted_spaces() -> None:
    """Have those emptied anew where a row came late, by somebody who began before the deletion."""
    for space in Space.every.filter(deletion=Deletion.DONE).order_by("pk"):
        if _has_rows(space):
            Space.every.filter(pk=space.pk).update(deletion=Deletion.RUNNING)


def in_order_of_deletion(found: Iterable[type[models.Model]]) -> list[type[models.Model]]:
    """Return the models so that one comes before those that it refers to, as far as that goes."""
    waiting, ordered = list(found), list[type[models.Model]]()
    while waiting:
        referred = {
            field.related_model
            for model in waiting
            for field in model._meta.concrete_fields  # noqa: SLF001 the API for fields
            if field.is_relation and field.related_model is not model
        }
        free = [model for model in waiting if model not in referred] or waiting
        ordered += free
        waiting = [model for model in waiting if model not in free]
    return ordered


def models_with_a_space() -> list[type[models.Model]]:
    """Return every model whose rows a space has, but for events, which outlive it."""
    return [
        model
        for model in apps.get_models()
        if model is not Event
        and any(field.related_model is Space for field in model._meta.concrete_fields)  # noqa: SLF001 Django's public name
    ]


def _batches_of(space: Space) -> Iterator[None]:
    """Delete batch after batch; ends when nothing is left that can go."""
    found = in_order_of_deletion(models_with_a_space())
    has_gone = True
    while has_gone:
        has_gone = False
        for model in found:
            while _batch_went(model, space):
                has_gone = True
                yield


def _batch_went(model: type[models.Model], space: Space) -> bool:
    rows = _rows_of(model, space)
    # In no order: by number, the database would walk over the rows of all other spaces.
    if not rows.exists():
        return False
    try:
        with transaction.atomic():
            # Two at once wait here for each other instead of in a circle.
            Space.every.filter(pk=space.pk).update(slug=F("slug"))
            numbers = list(rows.order_by().values_list("pk", flat=True)[:ROWS])
            rows.filter(pk__in=numbers).delete()
    except (ProtectedError, RestrictedError, IntegrityError):
        return False  # something later in the order still uses them; the next round takes them
    return True


def _forget(space: Space) -> None:
    if not _has_rows(space):
        Space.every.filter(pk=space.pk).update(deletion=Deletion.DONE)


def _has_rows(space: Space) -> bool:
    return any(_rows_of(model, space).exists() for model in models_with_a_space())


def _rows_of(model: type[models.Model], space: Space) -> "models.QuerySet[Any]":
    if issubclass(model, SpaceOwned):
        return model.objects.in_space(space)
    return model._base_manager.filter(space=space)  # noqa: SLF001 the API for it
