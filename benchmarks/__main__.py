"""Run the benchmarks: `python -m benchmarks`, `--only NAME …`, `--short` for a quick check."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from benchmarks import table
from benchmarks.peers.common import install_all
from benchmarks.registry import ALL_WITHIN_S, BENCHMARKS, Benchmark, find
from benchmarks.results import Measure, Section
from tests.support.postgres import running_postgres


def main() -> int:
    """Measure, print the table and write the document; 1 when a benchmark broke."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="NAME")
    parser.add_argument("--short", action="store_true", help="small numbers, no document")
    parser.add_argument("--no-document", action="store_true", help="change no document")
    arguments = parser.parse_args()
    keeps = not (arguments.short or arguments.no_document)
    if not arguments.only or "fanout" in arguments.only:
        install_all()
    machine = table.machine()
    measures: list[Measure] = []
    broken: list[str] = []
    end = time.monotonic() + ALL_WITHIN_S
    for benchmark in find(arguments.only):
        within = min(benchmark.within_s, end - time.monotonic())
        section = _measure(benchmark, within, short=arguments.short) if within > 0 else None
        if section is None:
            broken.append(benchmark.name)
            continue
        measures += section.measures
        print(f"\n## {benchmark.title}\n\n{table.section_text(section)}", flush=True)
        if keeps:
            table.write(benchmark, table.section_text(section))
    if keeps and not arguments.only:
        table.write_machine(machine)
    print(f"\n# All in one table\n\n{machine}\n\n{table.render(measures)}")
    for name in broken:
        print(f"{name}: broke, or had no time left")
    return 1 if broken else 0


def _measure(benchmark: Benchmark, within: float, *, short: bool) -> Section | None:
    """Run one in a process of its own: Django's settings can be read only once in each."""
    print(f"{benchmark.name} …", file=sys.stderr, flush=True)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="octopus-bench-"))
        environment = {**os.environ, "TMPDIR": folder, "OCTOPUS_DATABASE_URL": ""}
        if benchmark.on_postgres:
            environment["OCTOPUS_DATABASE_URL"] = stack.enter_context(
                running_postgres(durable=True)
            )
        command = [sys.executable, "-m", "benchmarks.one", benchmark.module]
        child = subprocess.Popen(
            [*command, *(["--short"] if short else [])],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = child.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            print(f"{benchmark.name}: no end in {within:.0f} s", file=sys.stderr)
            output = ""
        finally:
            _end(child)
            _kill_left(folder)
    print(f"{benchmark.name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    lines = output.splitlines()
    if child.returncode or not lines:
        return None
    return Section.from_json(json.loads(lines[-1]))


def _end(child: "subprocess.Popen[str]") -> None:
    """Let the child stop what it has started, then end it."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _kill_left(folder: str) -> None:
    """Kill what a benchmark that was ended by force has left; all of it knows its folder."""
    mark = f"TMPDIR={folder}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in environ.read_bytes().split(b"\0"):
                os.kill(int(environ.parent.name), signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main())
