"""Pushing packages: many small ones, a large one, and the memory that a very large one takes.

Side by side in one run: `cp` and `sha512sum` of the same bytes, and a PUT to an nginx that does
nothing but keep them. Ours are checked, hashed three times, stored and forced to the disk with a
row and an event before the answer.
"""

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.feed.client import (
    FORM,
    MIB,
    Connection,
    form_of,
    small_package,
    streamed,
    streamed_form,
    write_zip,
)
from benchmarks.feed.places import KEY, Place, open_place
from benchmarks.lab import cpu_of_session, resident
from benchmarks.results import Section, grid, median_ratio, percentile

_PUSH = "/nuget/packages"


@dataclass(frozen=True)
class _Sizes:
    first: int = 20
    """Pushed on each connection before those that count: a process loads code with its first."""
    small: int = 200
    rounds: int = 3
    large: int = 500 * MIB
    huge: int = 2048 * MIB


_SHORT = _Sizes(first=2, small=20, rounds=1, large=8 * MIB, huge=16 * MIB)


def run(*, short: bool) -> Section:
    """Measure on a server of its own."""
    sizes = _SHORT if short else _Sizes()
    section = Section()
    with open_place() as place:
        _small(section, place, sizes)
        _large(section, place, sizes)
        _huge(section, place, sizes)
    return section


@dataclass
class _Rates:
    """What one way did in each round, in seconds."""

    seconds: list[float] = field(default_factory=list)
    each: list[float] = field(default_factory=list)


def _small(section: Section, place: Place, sizes: _Sizes) -> None:
    """Push small packages on one connection, as often as there are rounds."""
    ours, nginx, copies = _Rates(), _Rates(), _Rates()
    first, cpu = 0.0, 0.0
    for turn in range(sizes.rounds):
        packages = [
            (f"Acme.Small{number:03}", small_package(f"Acme.Small{number:03}", f"1.{turn}.0"))
            for number in range(sizes.first + sizes.small)
        ]
        uncounted, counted = packages[: sizes.first], packages[sizes.first :]
        copies.seconds.append(_copy_all(place.lab.folder / f"small-{turn}", counted))
        with Connection(place.plain) as connection:
            for name, data in uncounted:
                connection.ask(f"/{turn}/{name}.nupkg", method="PUT", body=data)
            for name, data in counted:
                path = f"/{turn}/{name}.nupkg"
                nginx.each.append(connection.ask(path, method="PUT", body=data)[1])
            nginx.seconds.append(sum(nginx.each[-sizes.small :]))
        with Connection(place.url, {**KEY, **FORM}) as connection:
            for _, data in uncounted:
                took = connection.ask(_PUSH, method="PUT", body=form_of(data))[1]
                first = first or took
            cpu -= _cpu(place)
            for _, data in counted:
                ours.each.append(connection.ask(_PUSH, method="PUT", body=form_of(data))[1])
            ours.seconds.append(sum(ours.each[-sizes.small :]))
            cpu += _cpu(place)
    count = sizes.small
    section.add(
        f"{count} small packages pushed on one connection",
        statistics.median(count / each for each in ours.seconds),
        "a second",
        at_least=250,
    )
    section.add("of them, p99 of one push", percentile(ours.each, 99) * 1000, "ms")
    section.add("the first push, by which a process loads and connects", first * 1000, "ms")
    section.add("processor time of the web process for one", cpu / len(ours.each) * 1000, "ms")
    rows = [
        [
            what,
            f"{statistics.median(count / each for each in rates.seconds):,.0f}",
            f"{statistics.median(rates.seconds) / count * 1000:.2f}",
            f"{percentile(rates.each, 99) * 1000:.2f}" if rates.each else "",
        ]
        for what, rates in (
            ("our push", ours),
            ("PUT to nginx", nginx),
            ("`cp` and `sha512sum`, one of each for all", copies),
        )
    ]
    section.remarks.append(
        f"{count} packages of about 1.5 KB:\n\n"
        + grid(["way", "a second", "ms for one", "p99, ms"], rows)
    )


def _copy_all(folder: Path, packages: list[tuple[str, bytes]]) -> float:
    source, target = folder / "from", folder / "to"
    for each in (source, target):
        each.mkdir(parents=True)
    for name, data in packages:
        (source / f"{name}.nupkg").write_bytes(data)
    files = sorted(source.iterdir())
    began = time.perf_counter()
    subprocess.run(["cp", *files, target], check=True)
    copied = [target / each.name for each in files]
    subprocess.run(["sha512sum", *copied], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _large(section: Section, place: Place, sizes: _Sizes) -> None:
    copies: list[float] = []
    plain: list[float] = []
    nginx: list[float] = []
    ours: list[float] = []
    for turn in range(sizes.rounds):
        with _archive(place.lab.folder, f"Acme.Large.1.{turn}.0", sizes.large) as path:
            target = path.with_suffix(".copy")
            began = time.perf_counter()
            subprocess.run(["cp", path, target], check=True)
            plain.append(time.perf_counter() - began)
            subprocess.run(["sha512sum", target], check=True, stdout=subprocess.DEVNULL)
            copies.append(time.perf_counter() - began)
            target.unlink()
            _settle()
            with path.open("rb") as file, Connection(place.plain) as connection:
                body, head = streamed(file, path.stat().st_size)
                nginx.append(
                    connection.ask(f"/{path.name}", method="PUT", body=body, headers=head)[1]
                )
            (place.files / path.name).unlink()
            _settle()
            ours.append(_push(place, path))
            _settle()
    size = f"{sizes.large / MIB:.0f} MB"
    section.add(
        f"push of {size} ÷ (copy + sha512sum)", median_ratio(ours, copies), "×", at_most=1.7
    )
    section.add(f"PUT of {size} to nginx ÷ (copy + sha512sum)", median_ratio(nginx, copies), "×")
    rows = [
        [
            what,
            f"{statistics.median(times):.2f}",
            f"{sizes.large / MIB / statistics.median(times):,.0f}",
        ]
        for what, times in (
            ("`cp`", plain),
            ("`cp` and `sha512sum`", copies),
            ("PUT to nginx", nginx),
            ("our push", ours),
        )
    ]
    section.remarks.append(f"{size}:\n\n" + grid(["way", "seconds", "MB/s"], rows))


def _huge(section: Section, place: Place, sizes: _Sizes) -> None:
    """Watch the memory of the web processes while one package is pushed."""
    with _archive(place.lab.folder, "Acme.Huge.1.0.0", sizes.huge) as path:
        before = _memory(place)
        with _watching(place) as seen:
            took = _push(place, path)
        grown = (max(seen) - before) / MIB
    size = f"{sizes.huge / MIB / 1024:.2g} GB"
    section.add(f"memory that the push of {size} takes besides", grown, "MB", at_most=30)
    section.remarks.append(
        f"The web process had {before / MIB:.0f} MB before the push of {size},"
        f" {max(seen) / MIB:.0f} MB at most while it ran, and {_memory(place) / MIB:.0f} MB"
        f" afterwards; the push took {took:.1f} s."
    )


def _push(place: Place, path: Path) -> float:
    with path.open("rb") as file, Connection(place.url, KEY) as connection:
        body, headers = streamed_form(path.name, file, path.stat().st_size)
        return connection.ask("/api/packages/raw", method="POST", body=body, headers=headers)[1]


@contextmanager
def _archive(folder: Path, name: str, size: int) -> Iterator[Path]:
    """Write a large archive, which ends with the block."""
    path = folder / f"{name}.zip"
    write_zip(path, size)
    _settle()
    try:
        yield path
    finally:
        path.unlink()


def _settle() -> None:
    """Let the disk end what was written before, so that nobody waits for another's bytes."""
    os.sync()


@contextmanager
def _watching(place: Place) -> Iterator[list[int]]:
    """Collect the memory of the web processes, every few milliseconds, while the block runs."""
    seen = [_memory(place)]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.02):
            seen.append(_memory(place))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def _memory(place: Place) -> int:
    return sum(resident(pid) for pid in _members(place.lab.pid("web")))


def _members(leader: int) -> list[int]:
    """Return the processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            found.append(int(stat.parent.name))
    return found


def _cpu(place: Place) -> float:
    return cpu_of_session(place.lab.pid("web"))
