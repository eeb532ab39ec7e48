"""Folders of the server as feeds."""

from pathlib import Path

import pytest

from packages_feed.sources import NotThere, SourceFailed
from tests.factories.packages import zip_of
from tests.packages_feed.sources.servers import fetched, source, versions

JAR = zip_of({"a.txt": b"1"})


def test_a_folder_gives_its_packages_and_no_others(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    (feeds / "acme" / "1").mkdir(parents=True)
    (feeds / "Acme.Web.1.0.0.zip").write_bytes(JAR)
    (feeds / "acme" / "1" / "acme.web.1.1.0-rc.1.nupkg").write_bytes(b"deeper")
    (feeds / "readme.txt").write_bytes(b"x")
    (tmp_path / "secret.1.0.0.zip").write_bytes(b"secret")
    (feeds / "secret.1.0.0.zip").symlink_to(tmp_path / "secret.1.0.0.zip")
    folder = source("NuGet", str(feeds), folders=(str(tmp_path / "feeds"),))
    assert "named as packages are" in folder.check()
    assert versions(folder, "Acme.Web") == ["1.1.0-rc.1", "1.0.0"]
    assert fetched(folder, "acme.web", "1.0")[:2] == (".zip", JAR)
    assert [hit.package_id.lower() for hit in folder.search("WEB", 9)] == ["acme.web"]
    with pytest.raises(NotThere):
        folder.versions("secret")
    for uri in (str(tmp_path), f"{feeds}/../", "/etc", "file:///etc"):
        with pytest.raises(SourceFailed, match="OCTOPUS_FEED_FOLDERS"):
            source("NuGet", uri, folders=(str(feeds),)).versions("secret")
