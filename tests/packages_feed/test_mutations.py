"""Thousands of damaged manifests and archives: each is refused in words, or is a package.

After each nothing stays that is not named by a row, and memory does not grow.
"""

import io
import random
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.base.errors import OctopusError
from packages_feed.ingest import Limits, describe_file
from packages_feed.ingest.nuspec import read_nuspec
from packages_feed.models import PackageVersion, StoredBlob
from packages_feed.octodiff import apply_delta
from packages_feed.services import store_package
from packages_feed.storage import FileStorage
from tests.factories import default_space
from tests.factories.packages import nupkg, nuspec, tar_file, tar_of, zip_of
from tests.factories.people import SYSTEM
from tests.packages_feed.conftest import stored_files
from tests.support.faults import is_thorough

MOST_MEMORY = 24 * 1024 * 1024
LIMITS = Limits(package=1_000_000, ratio_from=4_000_000, unpacked=8_000_000)
MANIFEST = nuspec(
    "Acme.Web",
    "1.0.0-rc.1+build.5",
    title="Web",
    tags="a b",
    projectUrl="https://example.com",
    extra=(
        '<license type="expression">MIT</license><icon>icon.png</icon>'
        '<dependencies><group targetFramework="net6.0"><dependency id="Acme.Core" version="[1,2)"/>'
        '</group><dependency id="Other" version="1.0"/></dependencies>'
        '<packageTypes><packageType name="DotnetTool"/></packageTypes>'
    ),
)
FILES = {"a.txt": b"a" * 300, "b/c.bin": bytes(range(256)), "Acme.Web.nuspec": MANIFEST}
ARCHIVES = {
    "Acme.Web.1.0.0.nupkg": nupkg("Acme.Web", "1.0.0"),
    "package": zip_of(FILES),
    "Acme.Web.1.0.0.zip": zip_of(FILES),
    **{
        f"Acme.Web.1.0.0.tar{'.' if packed else ''}{packed}": tar_of(
            [(tar_file(name), content) for name, content in FILES.items()]
            + [(tar_file("link", type=b"2", linkname="a.txt"), b"")],
            packed,
        )
        for packed in ("", "gz", "bz2", "xz")
    },
}
NAMES = (
    "Acme.Web.1.0.0.zip",
    "acme.web.01.0.zip",
    "Acme.Web.1.0.0.nupkg",
    "Acme.Web.1.0.0.tar.gz",
    "Acme.Web.1.0.0.rar",
    "Acme.Web.zip",
    "../Acme.Web.1.0.0.zip",
    "Acme.Wéb.1.0.0.zip",
    f"{'a' * 100}.1.0.0.zip",
    f"{'a' * 101}.1.0.0.zip",
    f"Acme.1.0.0-{'a' * 300}.zip",
    "",
    None,
)
# What a client sends: a header with the SHA-1 of the new file, copies from the old one, new bytes.
DELTA = (
    b"OCTODELTA\x01\x04SHA1\x14\0\0\0" + bytes(20) + b">>>"
    b"\x60"
    + struct.pack("<qq", 0, 100)
    + b"\x80"
    + struct.pack("<q", 40)
    + bytes(range(40))
    + b"\x60"
    + struct.pack("<qq", 50, 200)
)
SNIPPETS = (
    *(b"", b"\0", b"<", b"&x;", b"]]>", b"<!DOCTYPE p [", b"<id>", b"</metadata>", b"%00"),
    *(b"../", b"..\\", b"con", b"1.0.0.0.0", b"[1,", b"9" * 400, b"A" * 5000),
    *(b"PK\1\2", b"PK\3\4", b"PK\5\6", b"\x1f\x8b", b"ustar", b"\xff" * 4, b"\xff" * 8),
    *(b"\xef\xbb\xbf", b"\xed\xa0\x80", "\u202eexe".encode()),
)


def mutate(data: bytes, seed: int, count: int) -> bytes:
    """Return the bytes with so many changes: flipped, cut, doubled, replaced, put elsewhere."""
    chance, changed = random.Random(seed), bytearray(data)
    for _ in range(count):
        place = chance.randrange(len(changed) + 1)
        length = chance.choice((1, 1, 2, 4, 8, 40, 400))
        match chance.randrange(6):
            case 0 if place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = changed[place : place + length]
            case 3:
                changed[place : place + length] = chance.choice(SNIPPETS)
            case 4:
                other = chance.randrange(len(changed) + 1)
                changed[place : place + length] = changed[other : other + length]
            case _:
                del changed[place:]
    return bytes(changed)


def examples(thorough: int, short: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=thorough if is_thorough() else short,
        deadline=None,
        derandomize=not is_thorough(),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


mutations = st.tuples(st.integers(0, 2**32), st.integers(1, 12))


@contextmanager
def bounded_memory() -> Iterator[None]:
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    yield
    _, peak = tracemalloc.get_traced_memory()
    assert peak - before < MOST_MEMORY


@pytest.fixture(scope="module", autouse=True)
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def in_words(error: OctopusError) -> None:
    texts = [*getattr(error, "errors", ()), error.message]
    assert all(texts)
    assert not any("Traceback" in text or "0x" in text for text in texts)


@pytest.mark.timeout(600)
@examples(6000, 150)
@given(mutations)
def test_manifests(how: tuple[int, int]) -> None:
    with bounded_memory():
        try:
            described = read_nuspec(mutate(MANIFEST, *how))
        except OctopusError as error:
            in_words(error)
        else:
            assert described.package_id.isascii()
            assert 0 < len(described.package_id) <= 100


@pytest.mark.timeout(600)
@examples(6000, 150)
@given(st.sampled_from(sorted(ARCHIVES)), mutations)
def test_archives(name: str, how: tuple[int, int]) -> None:
    data = mutate(ARCHIVES[name], *how)
    with bounded_memory():
        try:
            described = describe_file(io.BytesIO(data), len(data), name, LIMITS)
        except OctopusError as error:
            in_words(error)
        else:
            assert described.extension in {
                ".nupkg",
                ".zip",
                ".tar",
                ".tar.gz",
                ".tar.bz2",
                ".tar.xz",
            }


@pytest.mark.timeout(600)
@examples(1500, 60)
@given(mutations)
def test_deltas(how: tuple[int, int]) -> None:
    made = 0

    def write(data: bytes) -> None:
        nonlocal made
        made += len(data)

    delta = mutate(DELTA, *how)
    with bounded_memory():
        try:
            expected = apply_delta(io.BytesIO(MANIFEST), len(MANIFEST), io.BytesIO(delta), write)
        except OctopusError as error:
            in_words(error)
        else:
            assert len(expected) == 40
    # Each command is 17 bytes and gives at most the whole old file.
    assert made <= len(delta) + len(delta) // 17 * len(MANIFEST)


@pytest.mark.timeout(600)
@pytest.mark.django_db
@examples(1500, 40)
@given(st.sampled_from(sorted(ARCHIVES)), st.sampled_from(NAMES), mutations, st.booleans())
def test_pushes(
    storage: FileStorage, archive: str, name: str | None, how: tuple[int, int], is_whole: bool
) -> None:
    data = ARCHIVES[archive] if is_whole else mutate(ARCHIVES[archive], *how)
    space = default_space()
    point = transaction.savepoint()
    try:
        with bounded_memory():
            stored = store_package(actor=SYSTEM, space=space, file=io.BytesIO(data), file_name=name)
    except OctopusError as error:
        in_words(error)
        assert not PackageVersion.objects.in_space(space).exists()
        kept = set()
    else:
        assert PackageVersion.objects.in_space(space).count() == 1
        kept = {stored.version.blob_id}
    assert set(StoredBlob.objects.values_list("pk", flat=True)) == kept
    assert {path.name for path in stored_files(storage)} == kept
    transaction.savepoint_rollback(point)
    for sha256 in kept:
        storage.delete(sha256)
