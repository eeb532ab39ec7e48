"""Patches are made once, kept while there is room, refused, and made anew when damaged."""

import contextlib
import hashlib
import io
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.patches import BrokenPatch, apply_patch
from agent.runtime.packages.zstd import find_zstd
from deployments.base.models import Space
from deployments.base.settings_rows import set_setting
from packages_feed.models import PackagePatch, PackageVersion, StoredBlob
from packages_feed.patches import FILES, ZSTD
from packages_feed.services import delete_version, store_package
from packages_feed.services.patches import (
    MAKE,
    Coming,
    Offer,
    find_patch,
    make_wanted_patch,
    making,
    offer_patch,
    offering,
    trim_patches,
)
from packages_feed.storage import FileStorage, package_storage
from packages_feed.storage.base import place_of
from tests.factories import default_space, make_space
from tests.factories.archives import application, flushed_zip, tar_bytes, zip_bytes
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db

NOW = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
ARCHIVES = {number: zip_bytes(application(number), year=2000 + number) for number in (1, 2, 3, 4)}


def at(moment: datetime) -> Any:
    return lambda: moment


def push(
    number: int, *, package_id: str = "Acme.Web", space: Space | None = None, data: bytes = b""
) -> str:
    """Store a version and return its SHA-256."""
    data = data or ARCHIVES[number]
    store_package(
        actor=SYSTEM,
        space=space or default_space(),
        file=io.BytesIO(data),
        file_name=f"{package_id}.{number}.0.0.zip",
    )
    return hashlib.sha256(data).hexdigest()


def ask(target: str, *have: str, form: str = ZSTD, **options: Any) -> Offer | Coming | None:
    options = {"clock": at(NOW), **options}
    return offer_patch(default_space(), target, have=have, form=form, **options)


def make(target: str, *have: str, form: str = ZSTD, moment: datetime = NOW) -> Offer:
    """Have a patch made and return its offer."""
    assert isinstance(ask(target, *have, form=form, clock=at(moment)), Coming)
    for row in PackagePatch.objects.filter(blob=None):
        make_wanted_patch(row.pk, clock=at(moment))
    offer = ask(target, *have, form=form, clock=at(moment))
    assert isinstance(offer, Offer)
    return offer


def read(sha256: str) -> bytes:
    return b"".join(package_storage().open(sha256))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(offering, "wake", lambda *message: sent.append(message))
    return sent


def test_many_who_ask_at_once_have_it_made_once(
    told: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = push(1), push(2)
    made: list[object] = []
    write = making._write

    def counted(row: PackagePatch, path: Path, check: Any) -> None:
        made.append(row)
        write(row, path, check)

    monkeypatch.setattr(making, "_write", counted)
    assert [ask(new, old) for _ in range(20)] == [Coming()] * 20
    row = PackagePatch.objects.get()
    assert told == [(MAKE, row.pk)]
    assert ask(new, old, clock=at(NOW + timedelta(seconds=11))) == Coming()
    assert told == [(MAKE, row.pk)] * 2
    for _ in range(3):
        make_wanted_patch(row.pk, clock=at(NOW))
    assert made == [row]
    offer = ask(new, old)
    assert isinstance(offer, Offer)
    assert (offer.base, offer.form) == (old, ZSTD)
    patch = read(offer.patch)
    assert len(patch) == offer.size < len(ARCHIVES[2]) * 0.06
    target = io.BytesIO()
    apply_patch(
        io.BytesIO(patch),
        io.BytesIO(ARCHIVES[1]),
        target,
        size=len(ARCHIVES[2]),
        zstd=find_zstd(),
    )
    assert target.getvalue() == ARCHIVES[2]
    found = find_patch(new, offer.patch)
    assert found is not None
    assert found.size == offer.size
    assert find_patch(old, offer.patch) is None


def test_another_worker_leaves_it_to_the_one_that_makes_it(told: object) -> None:
    old, new = push(1), push(2)
    ask(new, old)
    row = PackagePatch.objects.get()
    PackagePatch.objects.update(claimed=NOW + timedelta(minutes=1))
    make_wanted_patch(row.pk, clock=at(NOW))
    assert ask(new, old) == Coming()
    make_wanted_patch(row.pk, clock=at(NOW + timedelta(minutes=2)))
    assert isinstance(ask(new, old), Offer)


def test_the_nearest_version_of_the_same_package_is_the_base(told: object) -> None:
    shas = {number: push(number) for number in (1, 2, 3, 4)}
    other = push(1, package_id="Acme.Other", data=zip_bytes(application(1), year=1999))
    elsewhere = push(2, space=make_space("Elsewhere"), data=zip_bytes(application(2), year=1999))
    assert make(shas[3], shas[4], shas[1], shas[2]).base == shas[2]
    assert make(shas[3], shas[4]).base == shas[4]
    for have in (other, elsewhere, shas[3], "0" * 64):
        assert ask(shas[3], have) is None
    assert ask("0" * 64, shas[1]) is None
    assert ask(other, shas[1]) is None


def test_the_changed_files_are_another_patch(told: object) -> None:
    old, new = push(1), push(2)
    patch, files = make(new, old), make(new, old, form=FILES)
    assert (files.form, patch.size < files.size < len(ARCHIVES[2]) * 0.3) == (FILES, True)


def test_what_is_not_worth_while_is_refused_once_and_for_all(told: list[tuple[Any, ...]]) -> None:
    files = {name: content[::-1] for name, content in application(1).items()}
    old, new = push(1), push(2, data=zip_bytes(files))
    assert ask(new, old) == Coming()
    row = PackagePatch.objects.get()
    make_wanted_patch(row.pk, clock=at(NOW))
    assert ask(new, old) is None
    row.refresh_from_db()
    assert row.refusal == "the patch is larger than 60 % of the package"
    make_wanted_patch(row.pk, clock=at(NOW + timedelta(days=1)))
    assert (len(told), StoredBlob.objects.count()) == (1, 2)


def test_small_packages_come_whole(told: object) -> None:
    old = push(1, data=zip_bytes({"a.txt": b"one" * 1000}))
    assert ask(push(2, data=zip_bytes({"a.txt": b"two" * 1000})), old) is None
    assert not PackagePatch.objects.exists()


def test_a_damaged_patch_is_noticed_and_made_again(
    told: object, storage: FileStorage, django_capture_on_commit_callbacks: Any
) -> None:
    old, new = push(1), push(2)
    offer = make(new, old)
    path = storage.local_path(offer.patch)
    assert path is not None
    for damage in (lambda: path.write_bytes(b"?" * offer.size), path.unlink):
        damage()
        with django_capture_on_commit_callbacks(execute=True):
            assert ask(new, old, refused=[offer.patch]) == Coming()
        make_wanted_patch(PackagePatch.objects.get().pk, clock=at(NOW))
        assert ask(new, old) == offer
        assert hashlib.sha256(read(offer.patch)).hexdigest() == offer.patch


def test_a_patch_that_gave_something_else_is_made_exact_once(
    told: object, django_capture_on_commit_callbacks: Any
) -> None:
    """A large entry that is packed in another way from its middle on."""
    numbers = random.Random(4)
    content = b" ".join(b"%d" % numbers.getrandbits(24) for _ in range(60_000))
    archives = [
        flushed_zip({**application(number), "large.txt": content + b"%d" % number}, 300_000)
        for number in (1, 2)
    ]
    old, new = (push(number, data=data) for number, data in enumerate(archives, 1))
    offer = make(new, old)
    assert made_by(offer, archives) != archives[1]
    with django_capture_on_commit_callbacks(execute=True):
        assert ask(new, old, refused=[offer.patch]) == Coming()
    make_wanted_patch(PackagePatch.objects.get().pk, clock=at(NOW))
    exact = ask(new, old)
    assert isinstance(exact, Offer)
    assert made_by(exact, archives) == archives[1]
    assert ask(new, old, refused=[offer.patch, exact.patch]) is None
    files = make(new, old, form=FILES)
    assert ask(new, old, form=FILES, refused=[files.patch]) is None


def made_by(offer: Offer, archives: list[bytes]) -> bytes:
    """Return what an agent makes of the first archive, if it makes anything."""
    target = io.BytesIO()
    with contextlib.suppress(BrokenPatch):
        apply_patch(
            io.BytesIO(read(offer.patch)),
            io.BytesIO(archives[0]),
            target,
            size=len(archives[1]),
            zstd=find_zstd(),
        )
    return target.getvalue()


def test_a_patch_that_the_storage_has_lost_is_made_again(
    told: object, storage: FileStorage, django_capture_on_commit_callbacks: Any
) -> None:
    old, new = push(1), push(2)
    offer = make(new, old)
    for content in (None, b"too short"):
        package_storage().delete(offer.patch)
        if content is not None:
            (storage.folder / place_of(offer.patch)).write_bytes(content)
        with django_capture_on_commit_callbacks(execute=True):
            assert make(new, old) == offer
        assert hashlib.sha256(read(offer.patch)).hexdigest() == offer.patch


def test_the_least_used_patches_make_room(told: object, storage: FileStorage) -> None:
    shas = {number: push(number) for number in (1, 2, 3, 4)}
    first = make(shas[2], shas[1])
    second = make(shas[3], shas[1], moment=NOW + timedelta(hours=1))
    ask(shas[2], shas[1], clock=at(NOW + timedelta(hours=2)))
    set_setting("packages.limits", {"patches": first.size + second.size})
    third = make(shas[4], shas[1], moment=NOW + timedelta(hours=3))
    kept = set(PackagePatch.objects.values_list("blob_id", flat=True))
    assert third.patch in kept
    assert second.patch not in kept
    trim_patches(clock=at(NOW + timedelta(hours=3)))
    assert sum(PackagePatch.objects.values_list("size", flat=True)) <= first.size + second.size
    set_setting("packages.limits", {"patches": 0})
    trim_patches(clock=at(NOW + timedelta(hours=3)))
    assert not PackagePatch.objects.exists()
    assert ask(shas[2], shas[1]) is None


def test_patches_go_with_age_and_with_their_packages(
    told: object, storage: FileStorage, django_capture_on_commit_callbacks: Any
) -> None:
    old, new = push(1), push(2)
    offer = make(new, old)
    assert trim_patches(clock=at(NOW + timedelta(days=29))) == 0
    with django_capture_on_commit_callbacks(execute=True):
        version = PackageVersion.objects.in_space(default_space()).get(blob_id=old)
        delete_version(actor=SYSTEM, version=version)
    assert storage.size(old) is None
    with django_capture_on_commit_callbacks(execute=True):
        assert trim_patches(clock=at(NOW)) == 1
    assert storage.size(offer.patch) is None
    push(1)
    make(new, old)
    assert trim_patches(clock=at(NOW + timedelta(days=31))) == 1


def test_a_storage_that_fails_is_tried_again_and_then_given_up(
    told: object, storage: FileStorage
) -> None:
    old, new = push(1), push(2)
    path = storage.local_path(old)
    assert path is not None
    path.unlink()
    ask(new, old)
    row = PackagePatch.objects.get()
    for attempt in range(making.ATTEMPTS):
        assert ask(new, old) == Coming()
        make_wanted_patch(row.pk, clock=at(NOW + attempt * timedelta(minutes=1)))
    assert ask(new, old) is None


def test_a_patch_that_takes_too_long_is_refused(
    told: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = push(1), push(2)
    ask(new, old)
    monkeypatch.setattr(making, "_LONGEST_S", -1.0)
    row = PackagePatch.objects.get()
    make_wanted_patch(row.pk, clock=at(NOW))
    row.refresh_from_db()
    assert "longer" in row.refusal


def test_archives_of_another_storage_are_copied(
    told: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old, new = push(1), push(2)
    monkeypatch.setattr(FileStorage, "local_path", lambda *_: None)
    make(new, old)
    assert [path.name for path in package_storage().spool_folder.iterdir()] == []


def test_questions_are_few(told: object, django_assert_max_num_queries: Any) -> None:
    shas = [push(number) for number in (1, 2, 3, 4)]
    make(shas[3], *shas[:3])
    with django_assert_max_num_queries(8):
        assert isinstance(ask(shas[3], *shas[:3]), Offer)


def test_tars_have_patches_too(told: object) -> None:
    contents = [tar_bytes(application(number)) for number in (1, 2)]
    for number, data in enumerate(contents, 1):
        store_package(
            actor=SYSTEM,
            space=default_space(),
            file=io.BytesIO(data),
            file_name=f"Acme.Tar.{number}.0.0.tar",
        )
    old, new = (hashlib.sha256(data).hexdigest() for data in contents)
    assert make(new, old).size < len(contents[1]) * 0.06
