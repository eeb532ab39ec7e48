"""The measured numbers as text, and their places in the documentation."""

import os
import platform
from collections.abc import Iterable
from pathlib import Path

from benchmarks.registry import Benchmark
from benchmarks.results import Measure, Section, grid, number

DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_HEAD = ["what", "measured", "goal", "measured ÷ goal", ""]


def machine() -> str:
    """Say in one line what everything ran on."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores for server, agents and load together, Python"
        f" {platform.python_version()}, Linux {platform.release().split('-')[0]};"
        f" load before the first benchmark {load:.1f}."
    )


def render(measures: Iterable[Measure]) -> str:
    """Return the table of ratios."""
    return grid(_HEAD, [_row(measure) for measure in measures])


def section_text(section: Section) -> str:
    """Return what the document says of one benchmark."""
    return "\n\n".join([render(section.measures), *section.remarks])


def write(benchmark: Benchmark, text: str) -> None:
    """Replace the measured part of one benchmark in the document."""
    _replace(benchmark.name, text)


def write_machine(text: str) -> None:
    """Replace what the document says of the machine."""
    _replace("machine", text)


def _replace(name: str, text: str) -> None:
    begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    DOCUMENT.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def _row(measure: Measure) -> list[str]:
    value = f"{number(measure.value)} {measure.unit}".strip()
    if measure.goal is None or measure.ratio is None:
        return [measure.what, value, "", "", ""]
    sign = "≥" if measure.at_least else "≤"
    goal = f"{sign} {number(measure.goal)} {measure.unit}".strip()
    return [measure.what, value, goal, f"{measure.ratio:.2f}", "" if measure.is_met else "missed"]
