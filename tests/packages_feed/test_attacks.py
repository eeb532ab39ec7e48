"""Uploads made to do harm: each is refused and leaves nothing behind."""

import io
import struct
import tarfile
import time
import zipfile
from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.base.settings_rows import set_setting
from packages_feed.ingest import TooLarge
from packages_feed.services import store_package
from packages_feed.storage import FileStorage
from tests.factories import default_space
from tests.factories.packages import nupkg, nuspec, tar_file, tar_of, zip_of
from tests.factories.people import SYSTEM
from tests.packages_feed.conftest import refused, stored_files

pytestmark = pytest.mark.django_db

ENTITY = '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
LAUGHS = (
    '<!DOCTYPE p [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


def manifest(text: str) -> bytes:
    return zip_of({"a.nuspec": text.encode()})


@pytest.mark.parametrize(
    "name",
    [
        "../../evil",
        "/etc/passwd",
        "a#b",
        "a b",
        "con",
        "a..b",
        "a/b",
        "-a",
        "ä",
        "a\u0000",
        "x" * 101,
    ],
)
def test_bad_ids(name: str, storage: FileStorage) -> None:
    data = zip_of({"a.nuspec": nuspec(name, "1.0.0")})
    refused(data, "package", storage, "cannot be the id|well-formed")


@pytest.mark.parametrize("version", ["1.0/../..", "", "1.0.0.0.0", "99999999999", "1.0.0-ä", "x"])
def test_bad_versions(version: str, storage: FileStorage) -> None:
    refused(nupkg("Acme", version), "package", storage, "version")


def test_versions_that_are_too_long(storage: FileStorage) -> None:
    refused(nupkg("Acme", f"1.0.0-{'1.' * 100}1"), "package", storage, "too long")


@pytest.mark.parametrize("doctype", [ENTITY, LAUGHS, "<!DOCTYPE package>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types(doctype: str, encoding: str, storage: FileStorage) -> None:
    text = nuspec("Acme", "1.0.0").decode().partition("?>")[2]
    data = f'<?xml version="1.0" encoding="{encoding}"?>{doctype}{text}'.encode(encoding)
    refused(zip_of({"a.nuspec": data}), "package", storage, "document type")


@pytest.mark.parametrize(
    "text", ["", "<a", "<package/>", "\x00\x01", "<package><metadata/></package>"]
)
def test_broken_manifests(text: str, storage: FileStorage) -> None:
    refused(manifest(text), "package", storage, "nuspec|cannot be the id")


def test_none_and_two_manifests(storage: FileStorage) -> None:
    refused(zip_of({"x/a.nuspec": nuspec("A", "1.0")}), "A.1.0.nupkg", storage, "no .nuspec")
    both = {"a.nuspec": nuspec("A", "1.0"), "B.NUSPEC": nuspec("B", "1.0")}
    refused(zip_of(both), "package", storage, "more than one")


def test_a_plain_zip_without_its_name_is_told_the_other_door(storage: FileStorage) -> None:
    refused(zip_of({"a": b"1"}), "package.nupkg", storage, "/api/packages/raw")
    refused(b"no archive", "package.nupkg", storage, "/api/packages/raw")


def test_a_huge_manifest_that_packs_to_nothing(storage: FileStorage) -> None:
    text = nuspec("Acme", "1.0.0", description="x" * 3_000_000)
    refused(zip_of({"a.nuspec": text}), "package", storage, "larger than 1 MB")


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/cron.d/x", "C:\\x", "..\\evil", "\\\\host\\x", "a\nb"],
)
@pytest.mark.parametrize("package", ["package.1.0.zip", "package.nupkg"])
def test_names_that_lead_out_of_zips(name: str, package: str, storage: FileStorage) -> None:
    data = zip_of({"a.nuspec": nuspec("A", "1.0"), name: b"x"})
    refused(data, package, storage, "leads out|impossible name")


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
@pytest.mark.parametrize(
    "member",
    [
        tar_file("../evil"),
        tar_file("/etc/x"),
        tar_file("a", type=tarfile.SYMTYPE, linkname="../../etc/passwd"),
        tar_file("a", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        tar_file("b/c", type=tarfile.LNKTYPE, linkname="../x"),
        tar_file("d", type=tarfile.CHRTYPE),
        tar_file("p", type=tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.type!r}-{member.name}",
)
def test_entries_that_lead_out_of_tars(
    member: tarfile.TarInfo, compression: str, storage: FileStorage
) -> None:
    data = tar_of([(tar_file("fine"), b"1"), (member, b"")], compression)
    extension = f".tar.{compression}" if compression else ".tar"
    refused(data, f"Acme.1.0{extension}", storage, "leads out|device")


def test_links_inside_are_fine() -> None:
    link = tar_file("bin/tool", type=tarfile.SYMTYPE, linkname="../lib/tool.sh")
    data = tar_of([(tar_file("lib/tool.sh"), b"1"), (link, b"")])
    store_package(actor=SYSTEM, space=default_space(), file=io.BytesIO(data), file_name="A.1.0.tgz")


def _zip_with_link(target: str) -> bytes:
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, target)
    return buffer.getvalue()


def test_links_in_zips(storage: FileStorage) -> None:
    refused(_zip_with_link("../../etc/passwd"), "A.1.0.zip", storage, "leads out")
    store_package(
        actor=SYSTEM,
        space=default_space(),
        file=io.BytesIO(_zip_with_link("other")),
        file_name="A.1.0.zip",
    )


@pytest.mark.parametrize("extension", [".zip", ".tar.gz"])
def test_bombs(extension: str, storage: FileStorage) -> None:
    zeros = bytes(4 * 1024 * 1024)
    set_setting("packages.limits", {"ratio_from": 1024 * 1024})
    data = zip_of({"a": zeros}) if extension == ".zip" else tar_of([(tar_file("a"), zeros)])
    refused(data, f"A.1.0{extension}", storage, "times its own size|far more than its own size")


def test_a_tar_that_lies_about_its_size_or_has_a_huge_header(storage: FileStorage) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 8 * 1024**3 - 1
    data = header.tobuf(tarfile.USTAR_FORMAT) + bytes(4096)
    refused(data, "A.1.0.tar", storage, "long header")


def test_too_many_entries_are_refused_before_they_are_read(storage: FileStorage) -> None:
    set_setting("packages.limits", {"entries": 10})
    files = {f"f{n}": b"" for n in range(11)}
    refused(zip_of(files), "A.1.0.zip", storage, "more than 10 entries")
    tar = tar_of((tar_file(name), b"") for name in files)
    refused(tar, "A.1.0.tar.gz", storage, "more than 10 entries")
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65_535, 65_535, 46 * 65_535, 0, 0)
    start = time.process_time()
    refused(b"PK\3\4" + end, "A.1.0.nupkg", storage, "not a zip archive|entries")
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "A.1.0.zip"),
        (b"PK\3\4garbage", "A.1.0.zip"),
        (b"\x1f\x8bgarbage", "A.1.0.tar.gz"),
        (b"BZhgarbage", "A.1.0.tar.bz2"),
        (b"garbage" * 200, "A.1.0.tar"),
        (b"text", "A.1.0.jar"),
        (zip_of({"a": b"1"}), "A.1.0.tar.gz"),
        (zip_of({"a": b"1"})[:-30], "A.1.0.zip"),
    ],
)
def test_files_that_are_not_what_they_are_called(
    data: bytes, name: str, storage: FileStorage
) -> None:
    refused(data, name, storage, "empty|not a|damaged|not packed")


@pytest.mark.parametrize(
    "name",
    [
        "Acme.zip",
        "My App.1.0.zip",
        "../x.1.0.zip",
        "a.1.0.exe",
        "a.1.0-.zip",
        "",
        f"{'a_' * 50}!.zip",
    ],
)
def test_names_that_say_no_version(name: str, storage: FileStorage) -> None:
    start = time.process_time()
    refused(zip_of({"a": b"1"}), name, storage, "split|extension|cannot|no .nuspec|version")
    assert time.process_time() - start < 0.5


def test_more_bytes_than_allowed(storage: FileStorage) -> None:
    set_setting("packages.limits", {"package": 1000})
    with pytest.raises(TooLarge, match="larger than 1000 bytes"):
        store_package(
            actor=SYSTEM,
            space=default_space(),
            file=io.BytesIO(bytes(2000)),
            file_name="A.1.0.zip",
        )
    assert stored_files(storage) == []


@pytest.mark.parametrize("name", ["A.1.0.rar", "A.1.0.7z", "A.1.0.exe", "A.1.0.snupkg", "A.1.0"])
def test_kinds_that_are_not_taken(name: str, storage: FileStorage) -> None:
    refused(b"Rar!\x1a\x07\x00", name, storage, "extension|split")


def test_symbols_are_told_from_the_package_they_belong_to(storage: FileStorage) -> None:
    types = '<packageTypes><packageType name="SymbolsPackage"/></packageTypes>'
    refused(nupkg("Acme", "1.0.0", extra=types), "package", storage, "Symbol packages are not kept")
    refused(nupkg("Acme", "1.0.0"), "Acme.1.0.0.symbols.nupkg", storage, "push the package itself")


@pytest.mark.parametrize(
    ("package_id", "version", "is_fine"),
    [
        ("a" * 100, "1.0.0", True),
        ("a" * 101, "1.0.0", False),
        ("A", f"1.0.0-{'b' * 250}", True),
        ("A", f"1.0.0-{'b' * 345}", False),
        ("A", "2147483647.0.0", True),
        ("A", "2147483648.0.0", False),
    ],
)
def test_ids_and_versions_at_their_limits(
    package_id: str, version: str, is_fine: bool, storage: FileStorage
) -> None:
    data = nupkg(package_id, version)
    if is_fine:
        stored = store_package(
            actor=SYSTEM, space=default_space(), file=io.BytesIO(data), file_name="package"
        )
        assert stored.version.package_id == package_id
    else:
        refused(data, "package", storage, "too long|cannot be the id|version")


def test_encrypted_entries(storage: FileStorage) -> None:
    data = bytearray(zip_of({"a": b"1"}))
    place = data.index(b"PK\1\2") + 8
    data[place] |= 1
    refused(bytes(data), "A.1.0.zip", storage, "encrypted")


@pytest.mark.parametrize(
    "extra",
    [
        '<dependencies><dependency id="../x" version="1.0"/></dependencies>',
        '<dependencies><dependency id="x" version="what"/></dependencies>',
    ],
)
def test_bad_dependencies(extra: str, storage: FileStorage) -> None:
    refused(nupkg("A", "1.0", extra=extra), "package", storage, "dependency")


def test_many_kinds_of_damage_never_crash(storage: FileStorage) -> None:
    good = nupkg("Acme", "1.0.0")
    accepted: list[Any] = []
    for place in range(0, len(good), 7):
        damaged = bytearray(good)
        damaged[place] ^= 0xFF
        try:
            accepted.append(
                store_package(
                    actor=SYSTEM,
                    space=default_space(),
                    file=io.BytesIO(bytes(damaged)),
                    file_name="package",
                    overwrite_mode="OverwriteExisting",
                )
            )
        except Invalid:
            continue
    assert all(each.version.pk for each in accepted)
