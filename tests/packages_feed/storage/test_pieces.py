"""Pieces of uploads in each storage, as two servers of one storage see them."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from deployments.base.clock import utc_now
from packages_feed.storage import FileStorage, PackageStorage, PiecesBusy, storage_from_url
from packages_feed.storage.s3 import PART
from tests.support.swift import S3Store

NUMBER = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32


@pytest.fixture(params=["files", pytest.param("s3", marks=pytest.mark.s3)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[PackageStorage, PackageStorage]:
    """Give one storage as two servers have it, which share nothing else."""
    if request.param == "files":
        return FileStorage(tmp_path / "shared"), FileStorage(tmp_path / "shared")
    store: S3Store = request.getfixturevalue("swift")
    url = f"s3://{store.bucket}/{os.urandom(4).hex()}?endpoint={store.endpoint}"
    one, other = (
        storage_from_url(
            url, spool_folder=tmp_path / name, access_key=store.key, secret_key=store.secret
        )
        for name in ("one", "other")
    )
    return one, other


def add(storage: PackageStorage, *pieces: bytes, number: str = NUMBER) -> int:
    with storage.pieces(number).adding() as end:
        for piece in pieces:
            end.write(piece)
    return end.here


def content(storage: PackageStorage) -> bytes:
    return b"".join(storage.pieces(NUMBER).whole())


def test_any_server_goes_on(both: tuple[PackageStorage, PackageStorage]) -> None:
    one, other = both
    assert one.pieces(NUMBER).received() == 0
    assert add(one, b"01", b"234") == 5
    assert other.pieces(NUMBER).received() == 5
    assert add(other, b"567") == add(one) == 8
    assert add(one, b"x", number=OTHER) == 1
    assert content(one) == content(other) == b"01234567"
    other.pieces(NUMBER).drop()
    assert one.pieces(NUMBER).received() == 0
    assert one.pieces(OTHER).received() == 1


def test_large_pieces_arrive_whole(both: tuple[PackageStorage, PackageStorage]) -> None:
    block = os.urandom(1024 * 1024)
    count = PART // len(block) + 2
    assert add(both[0], *[block] * count) == count * len(block)
    assert content(both[1]) == block * count


def test_what_was_written_stays_when_the_line_breaks(
    both: tuple[PackageStorage, PackageStorage],
) -> None:
    one, other = both

    def broken() -> None:
        with one.pieces(NUMBER).adding() as end:
            end.write(b"0123")
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        broken()
    assert add(other, b"45") == 6
    assert content(one) == b"012345"


def test_what_is_undone_is_gone(both: tuple[PackageStorage, PackageStorage]) -> None:
    one, other = both
    add(one, b"0123")
    with other.pieces(NUMBER).adding() as end:
        end.write(b"wrong")
        end.undo()
        assert end.here == 4
        end.write(b"45")
    assert content(one) == b"012345"


def test_of_two_at_one_place_one_wins(both: tuple[PackageStorage, PackageStorage]) -> None:
    one, other = both

    def at_once() -> None:
        with one.pieces(NUMBER).adding() as first, other.pieces(NUMBER).adding() as second:
            first.write(b"0123")
            second.write(b"other")

    with pytest.raises(PiecesBusy):
        at_once()
    add(other, b"!")
    assert content(one) in {b"!", b"other!"}


def test_a_note_outlives_the_bytes(both: tuple[PackageStorage, PackageStorage]) -> None:
    one, other = both
    add(one, b"0123")
    assert other.pieces(NUMBER).noted() is None
    one.pieces(NUMBER).note("[1]")
    one.pieces(NUMBER).drop()
    assert other.pieces(NUMBER).noted() == "[1]"
    assert other.pieces(NUMBER).received() == 0


def test_uploads_that_nobody_goes_on_with_are_deleted(
    both: tuple[PackageStorage, PackageStorage],
) -> None:
    one, other = both
    add(one, b"0123")
    add(one, b"x", number=OTHER)
    one.pieces(OTHER).note("[1]")
    assert other.drop_unfinished(utc_now() - timedelta(minutes=1)) == 0
    assert content(one) == b"0123"
    assert other.drop_unfinished(utc_now() + timedelta(minutes=1)) == 3
    assert one.pieces(NUMBER).received() == one.pieces(OTHER).received() == 0
    assert one.pieces(OTHER).noted() is None
