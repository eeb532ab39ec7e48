"""Names of entries that no two agents would unpack alike, or none at all: refused."""

import io
import stat
import tarfile
import warnings
import zipfile

import pytest

from deployments.base.settings_rows import set_setting
from packages_feed.services import store_package
from packages_feed.storage import FileStorage
from tests.factories import default_space
from tests.factories.packages import nuspec, tar_file, tar_of, zip_of
from tests.factories.people import SYSTEM
from tests.packages_feed.conftest import refused

pytestmark = pytest.mark.django_db


def duplicated(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings(action="ignore"):
        for name in names:
            archive.writestr(name, name)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "names", [("a", "a"), ("b/a", "x", "b//a"), ("./a", "a"), ("b/a", "b\\a"), ("b/./a", "b/a")]
)
def test_two_files_of_one_name(names: tuple[str, ...], storage: FileStorage) -> None:
    refused(duplicated(*names), "A.1.0.zip", storage, "two files of the same name")
    if "\\" not in "".join(names):
        tar = tar_of((tar_file(name), b"1") for name in names)
        refused(tar, "A.1.0.tar.gz", storage, "two files of the same name")


@pytest.mark.parametrize(
    "names",
    [
        ("a", "a/b"),
        ("a/b/c", "a"),
        ("x/a/b", "y", "x/a"),
        ("a", "a/"),
        ("a/", "./a"),
        ("a\\b", "a"),
    ],
)
def test_a_file_that_is_a_folder_too(names: tuple[str, ...], storage: FileStorage) -> None:
    words = "a file and a folder of the same name"
    refused(duplicated(*names), "A.1.0.zip", storage, words)
    if "\\" not in "".join(names):
        kinds = {name: tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE for name in names}
        tar = tar_of((tar_file(name, type=kind), b"") for name, kind in kinds.items())
        refused(tar, "A.1.0.tar.gz", storage, words)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("lib/a b", "lib/a%20b"), "two files of the same name"),
        (("%2e%2e/evil",), "leads out"),
        (("lib/a%2Fb", "lib/a"), "a file and a folder"),
        (("a%0Ab",), "impossible name"),
    ],
)
def test_names_that_agents_unquote(
    names: tuple[str, ...], words: str, storage: FileStorage
) -> None:
    files = {"a.nuspec": nuspec("A", "1.0"), **dict.fromkeys(names, b"1")}
    refused(zip_of(files), "package.nupkg", storage, words)
    store_package(
        actor=SYSTEM,
        space=default_space(),
        file=io.BytesIO(zip_of(files)),
        file_name="A.1.0.zip",
    )


@pytest.mark.parametrize(
    "name", ["a" * 256, "\N{EURO SIGN}" * 86, "a/" * 100 + "b"], ids=["long", "wide", "deep"]
)
def test_names_that_no_agent_can_make(name: str, storage: FileStorage) -> None:
    refused(zip_of({name: b"1"}), "A.1.0.zip", storage, "is too long")
    refused(tar_of([(tar_file(name), b"1")]), "A.1.0.tgz", storage, "is too long")


def test_devices_in_zips_and_files_without_a_name(storage: FileStorage) -> None:
    info = zipfile.ZipInfo("pipe")
    info.create_system = 3
    info.external_attr = (stat.S_IFIFO | 0o644) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"")
    refused(buffer.getvalue(), "A.1.0.zip", storage, "the device 'pipe'")
    refused(zip_of({".": b"1"}), "A.1.0.zip", storage, "without a name")


def test_too_many_folders(storage: FileStorage) -> None:
    set_setting("packages.limits", {"entries": 10})
    files = {f"{number}/{'a/' * 4}f": b"" for number in range(3)}
    refused(zip_of(files), "A.1.0.zip", storage, "more than 10 folders")


def test_folders_may_be_named_again_and_case_tells_files_apart() -> None:
    data = duplicated("b/", "b/", "b/a", "b/A")
    store_package(actor=SYSTEM, space=default_space(), file=io.BytesIO(data), file_name="A.1.0.zip")
