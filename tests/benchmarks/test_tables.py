"""The tables of the benchmarks: ratios, missed goals, and the parts of the document."""

from pathlib import Path

import pytest

from benchmarks import registry, table
from benchmarks.results import Section, median_ratio, percentile


def make_section() -> Section:
    section = Section(remarks=["A remark."])
    section.add("quick", 2, "ms", at_most=4)
    section.add("slow", 0.6, "s", at_most=0.5)
    section.add("rate", 40, "MB/s", at_least=50)
    section.add("only told", 1234.4)
    return section


def test_a_section_tells_ratios_and_missed_goals() -> None:
    assert table.section_text(make_section()) == (
        "| what | measured | goal | measured ÷ goal |  |\n"
        "| --- | --: | --: | --: | --: |\n"
        "| quick | 2 ms | ≤ 4 ms | 0.50 |  |\n"
        "| slow | 0.6 s | ≤ 0.5 s | 1.20 | missed |\n"
        "| rate | 40 MB/s | ≥ 50 MB/s | 0.80 | missed |\n"
        "| only told | 1,234 |  |  |  |\n"
        "\n"
        "A remark."
    )


def test_a_section_survives_the_way_between_processes() -> None:
    section = make_section()
    assert Section.from_json(section.to_json()) == section


def test_ratios_are_medians_of_rounds() -> None:
    assert median_ratio([2, 40, 9], [1, 10, 3]) == 3
    assert percentile([4, 1, 3, 2], 50) == 3
    assert percentile(list(range(1000)), 99) == 990


def test_every_benchmark_has_its_own_place_in_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(table.DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(table, "DOCUMENT", document)
    for _ in range(2):
        for benchmark in registry.BENCHMARKS:
            table.write(benchmark, f"Result of {benchmark.name}.")
        table.write_machine("Two cores.")
    written = document.read_text(encoding="utf-8")
    assert written.startswith("# Benchmarks")
    assert written.count("Two cores.") == 1
    for benchmark in registry.BENCHMARKS:
        assert written.count(f"Result of {benchmark.name}.") == 1
    assert len(written.split("<!-- measured: ")) == len(registry.BENCHMARKS) + 2


def test_benchmarks_are_found_by_name() -> None:
    assert len({benchmark.name for benchmark in registry.BENCHMARKS}) == len(registry.BENCHMARKS)
    usual = [benchmark.name for benchmark in registry.find([])]
    assert not {"pages", "lists"} & set(usual)
    assert len(usual) == len(registry.BENCHMARKS) - 2
    assert registry.find(["pages"])[0].is_asked_for
    assert [found.name for found in registry.find(["logs"])] == ["logs"]
    with pytest.raises(KeyError):
        registry.find(["nothing"])
