"""Every row of a table, for tests that look at the whole database."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from deployments.base.querysets import SpaceManager


def rows_of(model: type[models.Model]) -> Iterable[tuple[object, ...]]:
    """Return every row of a table, whatever its space."""
    manager: Any = model._default_manager
    is_guarded = isinstance(manager, SpaceManager)
    rows = manager.unscoped(reason="tests look at everything") if is_guarded else manager.all()
    names = [field.attname for field in model._meta.concrete_fields]
    found: Iterable[tuple[object, ...]] = rows.order_by("pk").values_list(*names)
    return found
