"""Reading and writing server settings (JSON values by key)."""

from typing import Any

from deployments.base.models import ServerSetting


def get_setting(key: str, default: Any = None) -> Any:
    """Return the stored value or the default."""
    row = ServerSetting.objects.filter(key=key).first()
    return default if row is None else row.value


def set_setting(key: str, value: Any) -> None:
    """Store the value."""
    ServerSetting.objects.update_or_create(key=key, defaults={"value": value})
