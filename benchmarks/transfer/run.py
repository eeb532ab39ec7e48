"""Bytes and processor time for an update of a package, beside other tools."""

import base64
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.patches import apply_patch
from agent.runtime.hashing import hash_file
from agent.runtime.packages.zstd import find_zstd
from benchmarks.results import Section, grid
from benchmarks.transfer.pairs import Pair, made_pairs, real_pairs
from benchmarks.transfer.peers import Sent, peers

_MB = 1_000_000
_GOAL_MB = 0.8
_FORMS = {"zstd": "our patch", "files": "our list of changed files"}


def run(*, short: bool) -> Section:
    """Update the made pair in all ways, and real pairs where PyPI can be reached."""
    section = Section()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(
            OCTOPUS_DATA_DIR=name,
            OCTOPUS_MASTER_KEY=base64.b64encode(os.urandom(32)).decode(),
            DJANGO_SETTINGS_MODULE="octopus_site.settings",
        )
        import django  # noqa: PLC0415 the settings come first

        django.setup()
        for pair in made_pairs(folder, short=short):
            ways = _ways(pair, folder, section)
            patch = ways[1]
            # Small numbers say nothing about the goal, which is for 55 MB.
            most = None if short else _GOAL_MB
            section.add(f"sent for an update, {pair.name}", patch.size / _MB, "MB", at_most=most)
            section.add("of it, processor time of the server", patch.server_s, "s")
            for other in ways[2:]:
                section.add(f"times as much by {other.way}", other.size / patch.size)
                tool = other.way.partition(" ")[0]
                if tool in {"Octodiff", "rdiff"}:
                    times = patch.server_s / other.server_s
                    goal = 1.0 if tool == "Octodiff" and not short else None
                    section.add(
                        f"processor time of the server ÷ that of {tool}", times, at_most=goal
                    )
        if not short:
            for pair in real_pairs(folder):
                _ways(pair, folder, section)
    return section


def _ways(pair: Pair, folder: Path, section: Section) -> list[Sent]:
    whole = Sent("the whole package", pair.new.stat().st_size, 0.0, 0.0)
    ways = [whole, _ours(pair, folder, "zstd"), _ours(pair, folder, "files"), *peers(pair, folder)]
    rows = [
        [
            each.way,
            f"{each.size / _MB:.2f}",
            f"{each.size / whole.size:.1%}",
            f"{each.server_s:.2f}",
            "" if each.agent_s is None else f"{each.agent_s:.2f}",
            "" if each.memory is None else f"{each.memory / _MB:.0f}",
        ]
        for each in ways
    ]
    head = [
        "way",
        "MB sent",
        "of the whole",
        "server, CPU s",
        "agent, CPU s",
        "server, MB",
    ]
    section.remarks.append(f"{pair.name}:\n\n{grid(head, rows)}")
    return [way for way in ways if way.size]


def _ours(pair: Pair, folder: Path, form: str) -> Sent:
    """Measure in processes of their own; a form that is refused sends nothing."""
    patch, made = folder / f"patch-{form}", folder / "made"
    size, server, memory = _measured(_make, pair, patch, form)
    if not size:
        return Sent(f"{_FORMS[form]} (refused)", 0, server)
    same, agent, _ = _measured(_apply, pair, patch, made)
    if not same:
        raise AssertionError("the patch made another file")
    return Sent(_FORMS[form], size, server, agent, memory)


def _make(pair: Pair, patch: Path, form: str) -> int:
    from packages_feed.patches import (  # noqa: PLC0415 after Django's set-up
        Archive,
        Unpatchable,
        make_patch,
    )

    try:
        with (
            Archive(pair.old, ".zip") as old,
            Archive(pair.new, ".zip") as new,
            patch.open("wb") as file,
        ):
            return make_patch(old, new, file, form)
    except Unpatchable:
        return 0


def _apply(pair: Pair, patch: Path, made: Path) -> bool:
    size = pair.new.stat().st_size
    with patch.open("rb") as source, pair.old.open("rb") as old, made.open("wb") as new:
        digest = apply_patch(source, old, new, size=size, zstd=find_zstd())
    return digest == hash_file(pair.new)


def _measured(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float, int]:
    """Return the result, seconds of processor time and bytes of memory that were needed for it."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        before, began = _memory(), time.process_time()
        result = work(*arguments)
        sender.send((result, time.process_time() - began, _memory() - before))

    process = context.Process(target=child)
    process.start()
    found: tuple[Any, float, int] = receiver.recv()
    process.join()
    return found


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
