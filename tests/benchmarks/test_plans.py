"""What PostgreSQL reads to answer a list of a large space for readers who see a part of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from benchmarks.space.data import Size, fill
from benchmarks.space.lists import LISTS
from benchmarks.space.readers import MANAGER, make_readers

SIZE = Size(projects=100, deployments=20_000, events=20_000, tenants=20, hot=0, is_wide=False)
LARGE = ("base_event", "releases_deployment", "releases_release", "server_tasks_servertask")
# Rows and entries of indexes read for one answer, of 20,000: no statement reads all there is.
# What these readers see, 800 rows or fewer, is counted; the newest are found among others.
MOST = 10_000
FEW = ("one project", "a project group", "a project, its environment and tenant")


@pytest.mark.postgres
@pytest.mark.django_db
@pytest.mark.timeout(120)
def test_who_sees_little_reads_little() -> None:
    fill(SIZE)
    readers = make_readers()
    for name, path in LISTS.items():
        with explained() as usual:
            assert readers[MANAGER].get(path).status_code == 200
        for reader in FEW:
            with explained() as statements:
                assert readers[reader].get(path).status_code == 200
            assert len(statements) <= len(usual) + 1, (name, reader)
            assert sum(statements.values()) <= MOST, (name, reader, statements)


@contextmanager
def explained() -> Iterator[dict[str, int]]:
    """Collect the statements about large tables, with how many rows each of them reads."""
    found: dict[str, int] = {}

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and any(f'FROM "{table}"' in sql for table in LARGE):
            cursor = context["cursor"]
            cursor.cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            (plan,) = cursor.cursor.fetchone()
            document = json.loads(plan) if isinstance(plan, str) else plan
            found[f"{len(found)}: {sql[-300:]}"] = rows_read(document[0]["Plan"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def rows_read(node: dict[str, Any]) -> int:
    """Return how many rows the scans of a plan looked at."""
    below = sum(rows_read(child) for child in node.get("Plans", ()))
    if "Relation Name" not in node and "Index Name" not in node:
        return below
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return below + int((node["Actual Rows"] + removed) * node["Actual Loops"])
