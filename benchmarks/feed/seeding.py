"""A feed of a hundred thousand versions: one package is pushed and its row then multiplied."""

import io
from dataclasses import dataclass
from typing import Any

from benchmarks.space.copies import in_bulk, multiply

HOT = "Acme.Core"
_WORDS = [
    "Billing",
    "Orders",
    "Reports",
    "Search",
    "Accounts",
    "Stock",
    "Mail",
    "Calendar",
    "Payments",
    "Identity",
]
_KINDS = ["Client", "Server", "Contracts", "Tests", "Tools"]
_PRERELEASE_OF = 5


@dataclass(frozen=True)
class Size:
    """How many ids with how many versions each; one more id has `hot` versions."""

    ids: int = 5_000
    versions: int = 20
    hot: int = 600


def fill(size: Size) -> None:
    """Fill the built-in feed of the default space, which is empty; needs PostgreSQL."""
    from django.db import connection  # noqa: PLC0415 after Django's set-up

    from packages_feed.services import find_all_latest  # noqa: PLC0415 as above

    row = _first()
    with in_bulk():
        total = size.ids * size.versions
        multiply(row, 1, total, _columns(f"i / {size.versions}", f"i %% {size.versions}"))
        hot = f"(i - {total})"
        named = {"package_id": f"'{HOT}'", "id_lower": f"'{HOT.lower()}'"}
        multiply(row, total + 1, total + size.hot, {**_columns("0", hot), **named})
    find_all_latest()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def package_ids(size: Size) -> list[str]:
    """Return the ids that `fill` makes, but the hot one."""
    words, kinds = len(_WORDS), len(_KINDS)
    return [
        f"Acme.{_WORDS[number % words]}{number:04}.{_KINDS[number % kinds]}"
        for number in range(size.ids)
    ]


def _first() -> Any:
    from packages_feed.services import store_package  # noqa: PLC0415 as above
    from tests.factories import default_space  # noqa: PLC0415 after Django's set-up
    from tests.factories.packages import nupkg  # noqa: PLC0415 as above
    from tests.factories.people import SYSTEM  # noqa: PLC0415 as above

    data = nupkg(
        "Acme.First",
        "0.1.0",
        title="The first package",
        summary="What everything else is a copy of",
        tags="acme server library",
        description="A library that other services of this company use for what they have in"
        " common; see its readme for how to begin, and its notes for what has changed.",
        releaseNotes="Fixed: what was broken. Added: what was missing.",
        projectUrl="https://example.com/acme",
        extra='<dependencies><group targetFramework="net8.0">'
        '<dependency id="Acme.Core" version="[1.0.0,2.0.0)"/>'
        '<dependency id="Acme.Contracts" version="1.2.0"/></group></dependencies>',
    )
    stored = store_package(
        actor=SYSTEM, space=default_space(), file=io.BytesIO(data), file_name="first.nupkg"
    )
    return stored.version


def _columns(package: str, version: str) -> dict[str, str]:
    """Return SQL for what tells the copies apart; each fifth version is a prerelease."""
    words, kinds = (f"ARRAY{list(texts)}" for texts in (_WORDS, _KINDS))
    name = (
        f"'Acme.' || ({words})[1 + {package} %% {len(_WORDS)}] || to_char({package}, 'FM0000')"
        f" || '.' || ({kinds})[1 + {package} %% {len(_KINDS)}]"
    )
    label = f"{version} %% {_PRERELEASE_OF} = {_PRERELEASE_OF - 1}"
    number = f"'1.' || {version} / 10 || '.' || {version} %% 10"
    text = f"{number} || CASE WHEN {label} THEN '-beta' ELSE '' END"
    key = (
        f"'0000000001.' || to_char({version} / 10, 'FM0000000000') || '.'"
        f" || to_char({version} %% 10, 'FM0000000000') || '.0000000000'"
        f" || CASE WHEN {label} THEN '-1beta' ELSE '~' END"
    )
    return {
        "package_id": name,
        "id_lower": f"lower({name})",
        "version": text,
        "version_lower": text,
        "version_key": key,
        "is_prerelease": label,
        "title": f"'Package ' || {package}",
        "search_text": f"lower({name}) || E'\\n' || lower(t.description) || E'\\n' || t.tags",
    }
