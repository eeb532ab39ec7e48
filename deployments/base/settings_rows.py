"""Reading and writing server settings (JSON values by key)."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS

from deployments.base.models import ServerSetting
from deployments.base.secrets import open_text, seal_text

# Its row is there while the server is in maintenance mode.
MAINTENANCE = "server.maintenance"


def get_setting(key: str, default: Any = None, *, alias: str = DEFAULT_DB_ALIAS) -> Any:
    """Return the stored value or the default."""
    row = ServerSetting.objects.using(alias).filter(key=key).first()
    return default if row is None else row.value


def set_setting(key: str, value: Any) -> None:
    """Store the value."""
    ServerSetting.objects.update_or_create(key=key, defaults={"value": value})


def forget_setting(key: str) -> None:
    """Go back to the default."""
    ServerSetting.objects.filter(key=key).delete()


def is_set(key: str) -> bool:
    """Tell whether a value is stored."""
    return ServerSetting.objects.filter(key=key).exists()


def set_secret_setting(key: str, text: str) -> None:
    """Store a text sealed; an empty one removes it."""
    set_setting(key, {"sealed": seal_text(text, place=_place(key))} if text else "")


def swap_secret_setting(key: str, text: str, *, instead_of: Any) -> bool:
    """Store a text sealed if the row still has this value; tells whether it had."""
    value = {"sealed": seal_text(text, place=_place(key))}
    return bool(ServerSetting.objects.filter(key=key, value=instead_of).update(value=value))


def opened_settings(prefix: str) -> dict[str, Any]:
    """Return the settings whose keys begin with the prefix, sealed ones opened."""
    rows = ServerSetting.objects.filter(key__startswith=prefix)
    return {row.key: _opened(row.key, row.value) for row in rows}


def _opened(key: str, value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("sealed"), str):
        return open_text(value["sealed"], place=_place(key)).reveal()
    return value


def _place(key: str) -> str:
    return f"setting:{key}"
