"""Every benchmark, in the order in which they run."""

from dataclasses import dataclass

# The most that all of them take, without the installation of other tools.
ALL_WITHIN_S = 1500.0


@dataclass(frozen=True)
class Benchmark:
    """A module with `run(short=…)`; it gets a process of its own and at most `within_s`.

    One that `is_asked_for` runs only when it is named.
    """

    name: str
    title: str
    module: str
    within_s: float
    on_postgres: bool = False
    is_asked_for: bool = False


BENCHMARKS = (
    Benchmark("queries", "Database queries", "benchmarks.queries", 60),
    Benchmark("fanout", "Fan-out, beside peers", "benchmarks.fanout", 360),
    Benchmark("agents", "A thousand agents", "benchmarks.thousand", 180),
    Benchmark("idle", "Idle agents", "benchmarks.idle", 150),
    Benchmark("drain", "A full queue on SQLite", "benchmarks.drain", 120),
    Benchmark(
        "drain-postgres", "A full queue on PostgreSQL", "benchmarks.drain", 120, on_postgres=True
    ),
    Benchmark("logs", "A large log", "benchmarks.logs", 90),
    Benchmark("viewers", "From a line to its viewers", "benchmarks.viewers", 150),
    Benchmark("recovery", "Recovery", "benchmarks.recovery", 240),
    Benchmark("bootstrap", "Start of a script", "benchmarks.bootstrap", 30),
    Benchmark("language", "Templates, beside Jinja2", "benchmarks.templates.run", 120),
    Benchmark("transfer", "Updates of a package", "benchmarks.transfer.run", 240),
    Benchmark("push", "Pushing packages", "benchmarks.feed.pushes", 200, on_postgres=True),
    Benchmark("feed", "Asking the feed", "benchmarks.feed.metadata", 150, on_postgres=True),
    Benchmark("download", "Downloads", "benchmarks.feed.downloads", 90, on_postgres=True),
    Benchmark("variables", "Thousands of variables", "benchmarks.variables", 180, on_postgres=True),
    Benchmark(
        "pages",
        "Pages of a big space",
        "benchmarks.space.pages",
        900,
        on_postgres=True,
        is_asked_for=True,
    ),
    Benchmark(
        "lists",
        "Lists for those who see a part",
        "benchmarks.space.lists",
        600,
        on_postgres=True,
        is_asked_for=True,
    ),
)


def find(names: list[str]) -> list[Benchmark]:
    """Return the named ones, or all usual ones; raises KeyError with a name that there is not."""
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    usual = [benchmark for benchmark in BENCHMARKS if not benchmark.is_asked_for]
    return [known[name] for name in names] if names else usual
