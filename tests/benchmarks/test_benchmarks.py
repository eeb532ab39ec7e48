"""The benchmark's own promises: constant queries, and tables that replace only their place."""

from pathlib import Path

import pytest

from benchmarks import table
from benchmarks.queries import count
from benchmarks.table import Series


@pytest.mark.django_db
def test_queries_do_not_grow_with_the_targets() -> None:
    count(1)
    assert count(1) == count(50)


def test_the_measured_part_of_the_document_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(table.DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(table, "DOCUMENT", document)
    series = [Series(2, [0.002, 0.004, 0.004], [0.02, 0.02, 0.024])]
    text = table.render(series, {1: {"finish": 3}, 50: {"finish": 3}}, [2**20, 3 * 2**20])
    assert "| 2 | 4.0 | 20 | 10 | 6.0 | 5.0 | 3 |" in text
    assert "| in all | 3 | 3 |" in text
    assert "2.0 MiB" in text
    table.write(text)
    table.write(text)
    written = document.read_text(encoding="utf-8")
    assert written.count(text) == 1
    assert written.startswith("# Benchmarks")
