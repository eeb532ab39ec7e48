"""Reading and writing rows with less work for the processor than Django's own ways take."""

from deployments.base.rows.cursors import repeating_cursor
from deployments.base.rows.prepared import PreparedQuery
from deployments.base.rows.together import Together
from deployments.base.rows.transactions import repeating_transaction
from deployments.base.rows.writing import (
    increase,
    insert_if_new,
    insert_rows,
    mark_as_stored,
    row_values,
    update_rows,
)

__all__ = [
    "PreparedQuery",
    "Together",
    "increase",
    "insert_if_new",
    "insert_rows",
    "mark_as_stored",
    "repeating_cursor",
    "repeating_transaction",
    "row_values",
    "update_rows",
]
