"""What the server has stored, read from its database and not from the server."""

import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from agent.contracts.spool import RECORD, decode_frames
from deployments.execution.logs.bodies import unpack_body


@dataclass(frozen=True)
class Execution:
    """One row of what was to run somewhere."""

    machine: str
    state: str
    exit_code: int | None
    was_started: bool
    attempt: int


class Records(ABC):
    """The database of a server."""

    def executions(self, task_id: str) -> list[Execution]:
        """Return what belongs to a task."""
        rows = self._rows(
            "SELECT target_name, state, exit_code, started IS NOT NULL, attempt"
            " FROM execution_actionexecution WHERE task_id = ? ORDER BY id",
            _number(task_id),
        )
        return [Execution(a, b, c, bool(d), e) for a, b, c, d, e in rows]

    def logs(self, task_id: str) -> dict[str, bytes]:
        """Return what scripts have printed, by machine."""
        rows = self._rows(
            "SELECT e.target_name, c.body FROM execution_logchunk c"
            " JOIN execution_actionexecution e ON e.id = c.execution_id"
            " WHERE c.task_id = ? ORDER BY c.execution_id, c.offset",
            _number(task_id),
        )
        logs: dict[str, bytearray] = {}
        for machine, body in rows:
            encoded = unpack_body(bytes(body))
            frames, used = decode_frames(encoded)
            assert used == len(encoded)
            log = logs.setdefault(machine, bytearray())
            log += b"".join(f.payload for f in frames if f.stream != RECORD)
        return {machine: bytes(log) for machine, log in logs.items()}

    @abstractmethod
    def dump(self) -> str:
        """Return the whole database as text."""

    @abstractmethod
    def _rows(self, query: str, number: int) -> list[tuple[Any, ...]]:
        """Return the rows of a query whose only parameter is a number."""


@dataclass(frozen=True)
class SqliteRecords(Records):
    """The file of a trial server."""

    file: Path

    def dump(self) -> str:
        """Return the whole database as text."""
        with closing(self._open()) as database:
            return "\n".join(database.iterdump())

    def _rows(self, query: str, number: int) -> list[tuple[Any, ...]]:
        with closing(self._open()) as database:
            return database.execute(query, (number,)).fetchall()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=30)


@dataclass(frozen=True)
class PostgresRecords(Records):
    """A database of PostgreSQL."""

    url: str

    def dump(self) -> str:
        """Return every row of every table as text."""
        tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        with psycopg.connect(self.url) as connection:
            names = [name for (name,) in connection.execute(tables).fetchall()]
            lists = [
                connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))
                for name in names
            ]
            return "\n".join(str(row) for rows in lists for row in rows.fetchall())

    def _rows(self, query: str, number: int) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            text = query.replace("?", "%s")
            return connection.execute(text.encode(), (number,)).fetchall()


def _number(public_id: str) -> int:
    return int(public_id.partition("-")[2])
