"""Reading and writing server settings (JSON values by key)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.expressions import RawSQL

from deployments.base.models import ServerSetting
from deployments.base.rows import repeating_cursor
from deployments.base.secrets import open_text, seal_text

# Its row is there while the server is in maintenance mode.
MAINTENANCE = "server.maintenance"

_usual = [MAINTENANCE]


@dataclass
class _Held:
    """The usual settings as they were when one of them was first asked for."""

    values: dict[str, Any] | None = None


_held: ContextVar[_Held | None] = ContextVar("held_settings", default=None)


def register_usual_setting(key: str) -> None:
    """Let a setting that most requests ask for be read with all others that they ask for."""
    if key not in _usual:
        _usual.append(key)


@contextmanager
def usual_settings_held() -> Iterator[None]:
    """Read the usual settings once inside the block (a request), by one query."""
    token = _held.set(_Held())
    try:
        yield
    finally:
        _held.reset(token)


def usual_settings_beside() -> RawSQL:
    """Return an annotation that reads the usual settings beside a row that each request needs."""
    is_postgres = connection.vendor == "postgresql"
    made = "jsonb_object_agg(key, value)" if is_postgres else "json_group_object(key, json(value))"
    places = ", ".join(["%s"] * len(_usual))
    return RawSQL(  # noqa: S611 places only
        f"(SELECT CAST({made} AS text) FROM base_serversetting WHERE key IN ({places}))",  # noqa: S608 likewise
        _usual,
        models.TextField(),
    )


def hold_usual_settings(text: str | None) -> None:
    """Hold what the annotation has read, unless they are held."""
    held = _held.get()
    if held is not None and held.values is None:
        held.values = json.loads(text or "{}")


def get_setting(key: str, default: Any = None, *, alias: str = DEFAULT_DB_ALIAS) -> Any:
    """Return the stored value or the default."""
    held = _held.get()
    if held is not None and key in _usual and alias == DEFAULT_DB_ALIAS:
        if held.values is None:
            held.values = _usual_values()
        return held.values.get(key, default)
    row = ServerSetting.objects.using(alias).filter(key=key).first()
    return default if row is None else row.value


def set_setting(key: str, value: Any) -> None:
    """Store the value."""
    _forget_held()
    ServerSetting.objects.update_or_create(key=key, defaults={"value": value})


def forget_setting(key: str) -> None:
    """Go back to the default."""
    _forget_held()
    ServerSetting.objects.filter(key=key).delete()


def is_set(key: str) -> bool:
    """Tell whether a value is stored."""
    return ServerSetting.objects.filter(key=key).exists()


def set_secret_setting(key: str, text: str) -> None:
    """Store a text sealed; an empty one removes it."""
    set_setting(key, {"sealed": seal_text(text, place=_place(key))} if text else "")


def swap_secret_setting(key: str, text: str, *, instead_of: Any) -> bool:
    """Store a text sealed if the row still has this value; tells whether it had."""
    _forget_held()
    value = {"sealed": seal_text(text, place=_place(key))}
    return bool(ServerSetting.objects.filter(key=key, value=instead_of).update(value=value))


def opened_settings(prefix: str) -> dict[str, Any]:
    """Return the settings whose keys begin with the prefix, sealed ones opened."""
    rows = ServerSetting.objects.filter(key__startswith=prefix)
    return {row.key: _opened(row.key, row.value) for row in rows}


def _usual_values() -> dict[str, Any]:
    # Django would take longer to put this together than the database takes to answer it.
    places = ", ".join(["%s"] * len(_usual))
    with repeating_cursor() as cursor:
        cursor.execute(
            f"SELECT key, value FROM base_serversetting WHERE key IN ({places})",  # noqa: S608 places only
            _usual,
        )
        return {key: json.loads(value) for key, value in cursor.fetchall()}


def _forget_held() -> None:
    held = _held.get()
    if held is not None:
        held.values = None


def _opened(key: str, value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("sealed"), str):
        return open_text(value["sealed"], place=_place(key)).reveal()
    return value


def _place(key: str) -> str:
    return f"setting:{key}"
