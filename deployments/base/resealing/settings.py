"""The sealed values among the server's settings."""

from typing import Any, Final

from deployments.base.models import ServerSetting
from deployments.base.resealing.columns import Turn, turned_text

MASTER_KEY_PROBE: Final = "master_key.probe"
"""A sealed text that shows whether the master key is the one that secrets are sealed with."""


def turn_setting(row: ServerSetting, turn: Turn) -> Any:
    """Return the setting's value with what is sealed in it turned."""
    if row.key == MASTER_KEY_PROBE:
        return turned_text(row.value, MASTER_KEY_PROBE, turn)
    if not isinstance(row.value, dict):
        return row.value
    return {
        name: turned_text(value, f"setting:{row.key}", turn)
        if name.startswith("sealed") and isinstance(value, str)
        else value
        for name, value in row.value.items()
    }
