"""The measured numbers as text, and their place in the documentation."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Series:
    """Rounds with one number of targets: seconds of the bare commands, and of the deployment."""

    targets: int
    bare: Sequence[float]
    deployment: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        return [whole / bare for whole, bare in zip(self.deployment, self.bare, strict=True)]


def render(
    series: Sequence[Series], queries: Mapping[int, Mapping[str, int]], memory: Sequence[int]
) -> str:
    """Return the tables as Markdown."""
    return "\n\n".join([_context(), _times(series), _queries(queries), _memory(memory)])


def write(text: str) -> None:
    """Replace the measured part of the document."""
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(_BEGIN)
    after = rest.split(_END)[1]
    DOCUMENT.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")


def _context() -> str:
    url = os.environ.get("OCTOPUS_DATABASE_URL", "")
    database = "PostgreSQL" if url.startswith("postgres") else "SQLite"
    return (
        f"{os.cpu_count()} cores for server and targets together, {database},"
        f" Python {platform.python_version()}, Linux {platform.release().split('-')[0]}."
    )


def _times(series: Sequence[Series]) -> str:
    rows = [
        [
            str(one.targets),
            _ms(statistics.median(one.bare)),
            _ms(statistics.median(one.deployment)),
            _ms(statistics.median(one.deployment) / one.targets),
            f"{statistics.median(one.ratios):.1f}",
            f"{min(one.ratios):.1f}",
            str(len(one.ratios)),
        ]
        for one in series
    ]
    head = ["targets", "bare, ms", "deployment, ms", "per target, ms", "ratio", "best", "rounds"]
    return _table(head, rows)


def _queries(queries: Mapping[int, Mapping[str, int]]) -> str:
    sizes = list(queries)
    parts = list(queries[sizes[0]])
    rows = [[part, *(str(queries[size][part]) for size in sizes)] for part in parts]
    rows.append(["in all", *(str(sum(queries[size].values())) for size in sizes)])
    return _table(["database queries", *(f"{size} targets" for size in sizes)], rows)


def _memory(memory: Sequence[int]) -> str:
    middle = statistics.median(memory) / 2**20
    return f"Idle agent: {middle:.1f} MiB resident (daemon; median of {len(memory)})."


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}" if seconds < 0.01 else f"{seconds * 1000:.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("--:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
