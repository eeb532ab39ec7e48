"""Downloads: many small packages at once, as restores ask for them, and a large one."""

import random
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.feed.client import (
    FORM,
    MIB,
    Connection,
    form_of,
    small_package,
    streamed,
    write_zip,
)
from benchmarks.feed.places import KEY, Place, open_place
from benchmarks.results import Section, grid, percentile

_CLIENTS = 8


@dataclass(frozen=True)
class _Sizes:
    packages: int = 200
    downloads: int = 2_000
    large: int = 500 * MIB


_SHORT = _Sizes(10, 40, 8 * MIB)


def run(*, short: bool) -> Section:
    """Measure on a server of its own, with nginx in front of it and beside it."""
    sizes = _SHORT if short else _Sizes()
    section = Section()
    with open_place() as place:
        _burst(section, place, sizes)
        _large(section, place, sizes)
    return section


def _burst(section: Section, place: Place, sizes: _Sizes) -> None:
    """Fetch packages as restores do: the list of versions, then the package, many at once."""
    names = [f"Restored{number:03}" for number in range(sizes.packages)]
    with Connection(place.url, {**KEY, **FORM}) as connection:
        for name in names:
            data = small_package(name, "1.0.0", random.Random(name).randbytes(20_000))
            connection.ask("/nuget/packages", method="PUT", body=form_of(data))
    lists: list[float] = []
    files: list[float] = []

    def restore(mine: Sequence[str]) -> None:
        with Connection(place.url, KEY) as connection:
            for name in mine:
                base = f"/nuget/v3/flat/{name.lower()}"
                lists.append(connection.ask(f"{base}/index.json")[1])
                path = f"{base}/1.0.0/{name.lower()}.1.0.0.nupkg"
                files.append(connection.ask(path)[1])

    wanted = [names[number % len(names)] for number in range(sizes.downloads)]
    threads = [
        threading.Thread(target=restore, args=(wanted[first::_CLIENTS],))
        for first in range(_CLIENTS)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if len(files) != sizes.downloads:
        raise RuntimeError(f"{len(files)} of {sizes.downloads} downloads came")
    what = f"restore of {sizes.downloads:,} packages on {_CLIENTS} connections"
    section.add(f"{what}: downloads", len(files) / took, "a second")
    section.add(f"{what}: versions, p99", percentile(lists, 99) * 1000, "ms")
    section.add(f"{what}: package, p99", percentile(files, 99) * 1000, "ms")


def _large(section: Section, place: Place, sizes: _Sizes) -> None:
    """Fetch one large file from the plain nginx, through the proxy and from the server."""
    name = "Restored.Large.1.0.0.zip"
    path = place.files / name
    write_zip(path, sizes.large)
    with path.open("rb") as file, Connection(place.url, KEY) as connection:
        size = path.stat().st_size
        address = f"/api/packages/raw?fileName={name}"
        body, headers = streamed(file, size)
        connection.ask(address, method="POST", body=body, headers=headers)
    raw = "/api/packages/packages-Restored.Large.1.0.0/raw"
    ways = {
        "nginx": (place.plain, f"/{name}", {}),
        "through nginx, by X-Accel-Redirect": (place.proxy, raw, KEY),
        "from our server": (place.url, raw, KEY),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    with ExitStack() as stack:
        connections = {
            way: stack.enter_context(Connection(url, headers))
            for way, (url, _, headers) in ways.items()
        }
        for _ in range(5):
            for way, (_, address, _) in ways.items():
                came, took = connections[way].fetch(address)
                if came != size:
                    raise RuntimeError(f"{came} of {size} bytes came {way}")
                times[way].append(took)
    speeds = {way: size / MIB / min(each) for way, each in times.items()}
    nginx, proxied, own = speeds.values()
    what = f"download of {sizes.large / MIB:.0f} MB"
    section.add(f"{what} by X-Accel-Redirect ÷ nginx's speed", proxied / nginx, "×", at_least=0.9)
    section.add(f"{what} from our server ÷ nginx's speed", own / nginx, "×")
    rows = [[way, f"{speed:,.0f}"] for way, speed in speeds.items()]
    section.remarks.append(f"{what}, best of 5:\n\n" + grid(["way", "MB/s"], rows))
