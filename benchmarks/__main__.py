"""Run the benchmarks: `python -m benchmarks`, or `--short` for a check that changes no document."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.lab import Lab, bare_runs, open_lab
from benchmarks.table import Series, render, write

_SIZES, _ROUNDS = (1, 10, 25, 50), 9
_SHORT_SIZES, _SHORT_ROUNDS = (1, 5), 3
# Long enough for clean-up after a deployment to be over when the next round begins.
_BETWEEN = 2.5


def main() -> int:
    """Measure, print the tables and write them; 1 when queries grow with the targets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few targets, few rounds, no document")
    parser.add_argument("--targets", type=int, nargs="+", help="numbers of targets")
    parser.add_argument("--rounds", type=int, help="deployments of each")
    arguments = parser.parse_args()
    sizes = arguments.targets or (_SHORT_SIZES if arguments.short else _SIZES)
    rounds = arguments.rounds or (_SHORT_ROUNDS if arguments.short else _ROUNDS)
    queries = _count_queries()
    series, memory = _measure(sizes, rounds)
    text = render(series, queries, memory)
    print(text)
    if not arguments.short and arguments.targets is None:
        write(text)
    few, many = queries.values()
    return 0 if few == many else 1


def _measure(sizes: Sequence[int], rounds: int) -> tuple[list[Series], list[int]]:
    series: list[Series] = []
    memory: list[int] = []
    with open_lab() as lab:
        for size in sizes:
            series.append(_rounds(lab, size, rounds))
            memory = memory or lab.agents_memory()
            lab.stop_targets()
    return series, memory


def _rounds(lab: Lab, size: int, rounds: int) -> Series:
    environment, release = lab.prepare(size)
    # The first deployment loads code that later ones find loaded.
    lab.deploy(environment, release)
    bare, deployment = [], []
    for _ in range(rounds):
        time.sleep(_BETWEEN)
        bare.append(bare_runs(size))
        deployment.append(lab.deploy(environment, release))
    print(f"  {size} targets measured", file=sys.stderr)
    return Series(size, bare, deployment)


def _count_queries() -> dict[int, dict[str, int]]:
    """Count in a process of its own, because Django's settings can be read only once."""
    command = [sys.executable, "-m", "benchmarks.queries"]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    document: dict[str, dict[str, int]] = json.loads(result.stdout.splitlines()[-1])
    return {int(size): counts for size, counts in document.items()}


if __name__ == "__main__":
    raise SystemExit(main())
