"""What a user may do, where, and through which team and role."""

from deployments.access.effective.holding import (
    Held,
    Limit,
    applies,
    held_by,
    ignoring,
    limits_of,
    teams_of,
)
from deployments.access.effective.spreadsheet import as_csv

__all__ = ["Held", "Limit", "applies", "as_csv", "held_by", "ignoring", "limits_of", "teams_of"]
