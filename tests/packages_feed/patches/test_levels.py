"""At which level an entry was packed is found, believed or proven."""

import random
import zlib

import pytest

from agent.patches.deflating import zlib_deflater
from packages_feed.patches.levels import Levels, gzip_level
from tests.factories.archives import application

ONE = application(1)


def test_a_search_for_levels_ends_where_it_is_in_vain() -> None:
    content = ONE["app/module1.txt"]
    packed = {level: zlib_deflater(level) for level in (1, 6)}
    stored = {level: work.compress(content) + work.flush() for level, work in packed.items()}
    levels = Levels()
    assert [levels.find(content, stored[level]) for level in (1, 6, 6)] == [1, 6, 6]
    assert [levels.find(content, b"x") for _ in range(4)] == [None] * 4
    assert levels.find(content, stored[6]) is None
    assert Levels().find(b"short", b"x") is None
    mixed = Levels()
    for _ in range(10):
        assert mixed.find(content, stored[6]) == 6
        assert mixed.find(content, b"x") is None


def test_a_large_entry_is_believed_to_go_on_as_it_begins_unless_it_must_be_exact() -> None:
    content = b" ".join(ONE.values())
    work = zlib_deflater(6)
    flushed = work.compress(content[:300_000]) + work.flush(zlib.Z_SYNC_FLUSH)
    flushed += work.compress(content[300_000:]) + work.flush()
    assert Levels().find(content, flushed) == 6
    assert Levels(exact=True).find(content, flushed) is None
    early = zlib_deflater(6)
    stored = early.compress(content[:30_000]) + early.flush(zlib.Z_SYNC_FLUSH)
    stored += early.compress(content[30_000:]) + early.flush()
    assert Levels().find(content, stored) is None


def test_levels_that_begin_alike_are_told_apart() -> None:
    """All levels make the same of noise, and other things of what follows it."""
    content = random.Random(1).randbytes(100_000) + b"".join(ONE.values())
    stored = {}
    for level in (1, 2, 3, 5, 6, 7, 9):
        work = zlib_deflater(level)
        stored[level] = work.compress(content) + work.flush()
    assert len(set(stored.values())) == len(stored)
    assert {level: Levels().find(content, stored[level]) for level in stored} == {
        level: level for level in stored
    }


@pytest.mark.parametrize("exact", [False, True])
def test_the_search_within_one_entry_can_be_stopped(exact: bool) -> None:
    content = b" ".join(ONE.values())
    work = zlib_deflater(6)
    stored = work.compress(content) + work.flush()
    left = [None] * 3

    def check() -> None:
        left.pop()

    with pytest.raises(IndexError):
        Levels(exact=exact, check=check).find(content, stored)
    with pytest.raises(IndexError):
        gzip_level(content, stored, 0, check)
