"""What `octopus-server packages …` says and how it ends."""

import argparse
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from octopus_site.conf import Configuration
from octopus_site.packages import commands
from octopus_site.packages.progress import Progress
from packages_feed.models import PackageVersion
from packages_feed.services.upkeep import Checked, verifying
from packages_feed.storage import (
    FileStorage,
    MovingStorage,
    PackageStorage,
    StorageFailed,
    package_storage,
)
from tests.factories import default_space, make_ana
from tests.factories.packages import make_package, nupkg
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder of the storage in use."""
    _use(monkeypatch, (tmp_path / "old").as_uri())
    yield tmp_path / "old"
    package_storage.cache_clear()


def _use(monkeypatch: pytest.MonkeyPatch, url: str, other: str = "") -> None:
    octopus: Configuration = settings.OCTOPUS
    monkeypatch.setattr(
        settings,
        "OCTOPUS",
        Configuration(**{**octopus.__dict__, "storage_url": url, "storage_other_url": other}),
    )
    package_storage.cache_clear()


def run(name: str, **options: object) -> int:
    known: dict[str, dict[str, object]] = {
        "verify": {"anew": False, "remove_orphans": False, "remove_damaged": False},
        "move": {},
        "reindex": {"adopt": None},
    }
    arguments = argparse.Namespace(**{**known[name], **options})
    code: int = getattr(commands, name)(arguments)
    return code


def break_first_byte(storage: PackageStorage, row: PackageVersion) -> None:
    assert isinstance(storage, FileStorage)
    sha256 = row.blob_id
    path = storage.folder / "packages" / sha256[:2] / sha256[2:4] / sha256
    path.write_bytes(b"X" + path.read_bytes()[1:])


def test_a_damaged_package_is_found_removed_and_pushed_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_package("Acme.Db", "1.0.0")
    row = make_package("Acme.Web", "1.0.0")
    assert run("verify") == 0
    break_first_byte(package_storage(), row)
    assert run("verify") == 1
    told = capsys.readouterr().out
    assert f"damaged    {row.blob_id} (package version Acme.Web 1.0.0)\n" in told
    assert told.endswith("1 damaged\n")
    assert run("verify", remove_damaged=True) == 1
    make_package("Acme.Web", "1.0.0", mode="OverwriteExisting")
    assert run("verify") == 0


def test_a_run_that_was_broken_off_goes_on_and_remembers_what_it_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sorted(
        (make_package("Acme.Web", f"1.{n}.0", content=bytes([n])) for n in range(4)),
        key=lambda row: row.blob_id,
    )
    break_first_byte(package_storage(), rows[0])

    def twice(storage: PackageStorage, *, after: str = "") -> Iterator[Checked]:
        for count, checked in enumerate(verifying.check_files(storage, after=after)):
            if count == 2:
                raise StorageFailed("The package store failed: ConnectionError.")
            yield checked

    with monkeypatch.context() as patch:
        patch.setattr(commands, "check_files", twice)
        assert run("verify") == commands.NOT_FINISHED
    assert "Not finished: The package store failed" in capsys.readouterr().err
    assert run("verify") == 1
    told = capsys.readouterr().out
    assert "after 2 files" in told
    assert rows[0].blob_id not in told
    assert told.endswith("4 files were read, 0.00 GiB.\n1 damaged\n")
    assert run("verify") == 1
    assert rows[0].blob_id in capsys.readouterr().out


def test_a_storage_moves_to_another_place_and_back_to_one_address(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old, new = str(settings.OCTOPUS.storage_url), (tmp_path / "new").as_uri()
    first = make_package("Acme.Web", "1.0.0")
    assert run("move", to=new) == 0
    told = capsys.readouterr().out
    assert f"1 files were copied to {new}." in told
    assert "set OCTOPUS_STORAGE_URL to the new address" in told
    late = make_package("Acme.Web", "2.0.0", content=b"late")
    _use(monkeypatch, new, old)
    assert isinstance(package_storage(), MovingStorage)
    assert package_storage().size(late.blob_id) == late.size
    assert run("move", to=new) == 0
    assert "OCTOPUS_STORAGE_OTHER_URL is no longer needed" in capsys.readouterr().out
    _use(monkeypatch, new)
    assert {file.sha256 for file in package_storage().files()} == {first.blob_id, late.blob_id}
    assert run("verify") == 0


def test_what_cannot_be_moved_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    make_package("Acme.Db", "1.0.0")
    row = make_package("Acme.Web", "1.0.0")
    break_first_byte(package_storage(), row)
    assert run("move", to=(tmp_path / "new").as_uri()) == 1
    told = capsys.readouterr().out
    assert f"damaged    {row.blob_id}\n" in told
    assert "1 could not be" in told


def test_a_target_that_cannot_be_written_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make_package("Acme.Web", "1.0.0")
    (tmp_path / "taken").write_text("a file where the folder should be")
    assert run("move", to=(tmp_path / "taken").as_uri()) == commands.NOT_FINISHED
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("Not finished: The package could not be stored")


def test_a_disk_that_does_not_give_a_file_back_holds_nobody_up(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = make_package("Acme.Db", "1.0.0"), make_package("Acme.Web", "1.0.0")
    really = FileStorage.open

    def opened(self: FileStorage, sha256: str, **part: int) -> Iterator[bytes]:
        def fails() -> Iterator[bytes]:
            yield b"the first piece"
            raise OSError(5, "Input/output error")

        return fails() if sha256 == broken.blob_id else really(self, sha256, **part)

    monkeypatch.setattr(FileStorage, "open", opened)
    assert run("verify") == 1
    assert run("move", to=(tmp_path / "new").as_uri()) == 1
    assert run("reindex") == 1
    told = capsys.readouterr().out
    assert f"unreadable {broken.blob_id}" in told
    assert f"damaged    {broken.blob_id}" in told
    assert "Acme.Db 1.0.0 in Default: its file cannot be read" in told
    assert [file.sha256 for file in FileStorage(tmp_path / "new").files()] == [fine.blob_id]


def test_reading_anew_corrects_rows_and_adds_what_no_space_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = make_package("Acme.Web", "1.0.0", title="Web")
    PackageVersion.objects.in_space(row.space).update(title="")
    lost = nupkg("Acme.Lost", "1.0.0")
    package_storage().put_stream(iter([lost]), hashlib.sha256(lost).hexdigest(), len(lost))
    assert run("reindex", adopt="default") == 0
    told = capsys.readouterr().out
    assert "1 versions were read, 1 corrected, 0 with problems." in told
    assert f"added Acme.Lost 1.0.0 to {default_space()}" in told
    assert PackageVersion.objects.in_space(row.space).get(pk=row.pk).title == "Web"
    break_first_byte(package_storage(), row)
    assert run("reindex") == 1
    assert "Acme.Web 1.0.0 in Default: The file is not a NuGet package" in capsys.readouterr().out


def test_progress_tells_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 20.0, 21.0, 40.0])
    monkeypatch.setattr("octopus_site.packages.progress.time.monotonic", lambda: next(clock))
    out = io.StringIO()
    with Progress(1000, 0, out=out) as progress:
        for _ in range(4):
            progress.step(10 * 1024**2)
    assert out.getvalue().splitlines() == [
        "2 of 1,000 files, 1 MiB/s, about 166 min left",
        "4 of 1,000 files, 1 MiB/s, about 166 min left",
    ]


def test_the_page_of_the_server_says_when_files_were_verified() -> None:
    ana = Visitor(make_ana(), default_space().public_id)
    page = "administration/server"
    assert "That was not done yet." in text_of(ana.get(page))
    row = make_package("Acme.Web", "1.0.0")
    run("verify")
    shown = text_of(ana.get(page))
    assert "Verified now : 1 file read." in shown
    assert "names them" not in shown
    break_first_byte(package_storage(), row)
    run("verify")
    assert "1 damaged." in text_of(ana.get(page))
