"""Which migrations of this version had shaped a backup, when several have become one since."""

from dataclasses import replace
from typing import ClassVar

import pytest
from django.db.migrations import Migration

from octopus_site.backup.archive import Lines, Manifest
from octopus_site.backup.restoring import Step, steps_of

NOTHING = Lines(0, "")
EMPTY = Manifest("1.0", "", "sqlite", "", "", [], {}, NOTHING)
BOTH = ("a", "0001_squashed_0002")


class Squashed(Migration):
    """One migration for two."""

    replaces: ClassVar = [("a", "0001"), ("a", "0002")]


def on_disk() -> dict[Step, Migration]:
    """Return one migration that replaces two, the one after it, and one of another app."""
    return {
        BOTH: Squashed(BOTH[1], BOTH[0]),
        ("a", "0003"): Migration("0003", "a"),
        ("b", "0001"): Migration("0001", "b"),
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("b.0001", {("b", "0001")}),
        ("a.0001_squashed_0002", {BOTH}),
        ("a.0001 a.0002 a.0001_squashed_0002 a.0003", {BOTH, ("a", "0003")}),
        ("a.0001 a.0002 b.0001", {BOTH, ("b", "0001")}),
    ],
)
def test_steps(said: str, expected: set[Step]) -> None:
    migrations = [text.split(".") for text in said.split()]
    assert steps_of(replace(EMPTY, migrations=migrations), on_disk()) == expected


@pytest.mark.parametrize(
    ("said", "unknown"), [("a.0001", "a.0001"), ("a.0001 a.0002 a.0004", "a.0004"), ("c.1", "c.1")]
)
def test_steps_that_this_version_cannot_repeat(said: str, unknown: str) -> None:
    migrations = [text.split(".") for text in said.split()]
    with pytest.raises(LookupError, match=unknown):
        steps_of(replace(EMPTY, migrations=migrations), on_disk())
