"""What a feed of a hundred thousand versions tells its clients, on one connection."""

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.feed import seeding
from benchmarks.feed.client import Connection
from benchmarks.feed.places import KEY, Place, open_place
from benchmarks.lab import API_KEY
from benchmarks.results import Section, grid, percentile

_SEARCH_GOAL_MS, _GOAL_MS = 10.0, 50.0
_INDEX = re.compile(r"Index (?:Only )?Scan(?: Backward)? (?:using|on) (\S+)")


@dataclass(frozen=True)
class _Sizes:
    feed: seeding.Size = field(default_factory=seeding.Size)
    rounds: int = 200


_SHORT = _Sizes(seeding.Size(ids=50, versions=4, hot=140), 5)


@dataclass(frozen=True)
class _Ask:
    """A kind of request: what it asks for differs from time to time."""

    name: str
    path: Callable[[random.Random], str]
    goal_ms: float = _GOAL_MS


def run(*, short: bool) -> Section:
    """Fill the feed of a server of its own and ask it."""
    sizes = _SHORT if short else _Sizes()
    section = Section()
    with open_place() as place:
        began = time.monotonic()
        seeding.fill(sizes.feed)
        filled = time.monotonic() - began
        _measure(section, place, sizes)
    total = sizes.feed.ids * sizes.feed.versions + sizes.feed.hot
    section.remarks.append(
        f"{total:,} versions of {sizes.feed.ids + 1:,} ids, made in {filled:.0f} s."
    )
    return section


def _asks(size: seeding.Size, page: str) -> list[_Ask]:
    ids = seeding.package_ids(size)
    words = ("billing", "orders client", "contracts", "library", "acme.stock", "nothing-like-it")
    hot = seeding.HOT.lower()

    def one(chance: random.Random) -> str:
        return chance.choice(ids).lower()

    return [
        _Ask("search", lambda r: f"v3/query?q={_quoted(r.choice(words))}", _SEARCH_GOAL_MS),
        _Ask("search without words", lambda r: f"v3/query?skip={20 * r.randrange(50)}"),
        _Ask("search, prereleases too", lambda r: f"v3/query?q={one(r)[:12]}&prerelease=true"),
        _Ask("autocomplete", lambda r: f"v3/autocomplete?q={one(r)[:9]}"),
        _Ask("versions (flat container)", lambda r: f"v3/flat/{one(r)}/index.json"),
        _Ask("registration", lambda r: f"v3/registrations/{one(r)}/index.json"),
        _Ask("registration of many versions", lambda _: f"v3/registrations/{hot}/index.json"),
        _Ask("page of it", lambda _: page),
        _Ask("FindPackagesById", lambda r: f"FindPackagesById()?id='{one(r)}'"),
        _Ask(
            "FindPackagesById, many versions",
            lambda _: f"FindPackagesById()?id='{hot}'&semVerLevel=2.0.0",
        ),
        _Ask(
            "Search (V2), newest of each",
            lambda r: (
                f"Search()?searchTerm='{_quoted(r.choice(words))}'&$filter=IsLatestVersion&$top=30"
            ),
        ),
        _Ask("one package (V2)", lambda r: f"Packages(Id='{one(r)}',Version='1.0.3')"),
    ]


def _quoted(text: str) -> str:
    return text.replace(" ", "%20")


def _measure(section: Section, place: Place, sizes: _Sizes) -> None:
    rows = []
    with Connection(place.url, KEY) as connection:
        index = json.loads(
            connection.ask(f"/nuget/v3/registrations/{seeding.HOT.lower()}/index.json")[0]
        )
        page = index["items"][0]["@id"].partition("/nuget/")[2]
        for ask in _asks(sizes.feed, page):
            chance = random.Random(1)
            for _ in range(5):
                connection.ask(f"/nuget/{ask.path(chance)}")
            answers = [connection.ask(f"/nuget/{ask.path(chance)}") for _ in range(sizes.rounds)]
            times = [took * 1000 for _, took in answers]
            is_search = ask.goal_ms == _SEARCH_GOAL_MS
            if is_search:
                section.add(f"{ask.name}, p50", percentile(times, 50), "ms", at_most=ask.goal_ms)
            section.add(f"{ask.name}, p99", percentile(times, 99), "ms", at_most=_GOAL_MS)
            counts, indexes = _statements([ask.path(chance) for _ in range(10)])
            size = sum(len(content) for content, _ in answers) / len(answers)
            rows.append(
                [
                    ask.name,
                    f"{percentile(times, 50):.1f}",
                    f"{percentile(times, 99):.1f}",
                    "–".join(map(str, sorted({min(counts), max(counts)}))),
                    f"{size / 1024:.1f}",
                    ", ".join(indexes),
                ]
            )
    head = ["what", "p50, ms", "p99, ms", "queries", "KiB", "indexes of the feed"]
    section.remarks.append(grid(head, rows))


def _statements(paths: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return how many statements each request takes, and the feed's indexes that they use."""
    from django.db import connection  # noqa: PLC0415 after Django's set-up
    from django.test import Client  # noqa: PLC0415 as above

    client = Client(headers={"X-NuGet-ApiKey": API_KEY})
    counts, used = [], Counter[str]()
    for path in paths:
        statements: list[tuple[str, Any]] = []

        def note(
            execute: Any,
            sql: str,
            params: Any,
            many: bool,  # noqa: FBT001 Django's signature
            context: Any,
            noted: list[tuple[str, Any]] = statements,
        ) -> Any:
            noted.append((sql, params))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            client.get(f"/nuget/{path}")
        counts.append(len(statements))
        with connection.cursor() as cursor:
            for sql, params in statements:
                if "packages_feed_" in sql and sql.startswith(("SELECT", "WITH")):
                    cursor.execute(f"EXPLAIN {sql}", params)
                    lines = "\n".join(line for (line,) in cursor.fetchall())
                    used.update(set(_INDEX.findall(lines)))
    return counts, [name for name, _ in used.most_common()]
