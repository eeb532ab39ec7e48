"""What a user may do, as a table for spreadsheets."""

import csv
import io
from collections.abc import Iterable

from deployments.access.effective.holding import Held
from deployments.access.effective.texts import describe

HEADINGS = ("Permission", "Meaning", "Space", "Where", "Team", "Role")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(rows: Iterable[Held]) -> str:
    """Return the rows with headings; no cell is one that a spreadsheet would compute."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    for row in rows:
        cells = (
            row.permission,
            describe(row.permission),
            row.space,
            row.where,
            row.team,
            row.role,
        )
        writer.writerow([plain_cell(str(cell)) for cell in cells])
    return out.getvalue()


def plain_cell(text: str) -> str:
    """Return the text as a cell that a spreadsheet shows as it is."""
    return f"'{text}" if text.startswith(_FORMULA) else text
