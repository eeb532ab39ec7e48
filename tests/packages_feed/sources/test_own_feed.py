"""Our own feed of a running server, read as both kinds of NuGet feed."""

import pytest

from packages_feed.sources import FeedPlace, NotThere, SourceFailed, source_at
from packages_feed.sources.base import newest_first
from tests.factories.packages import nupkg
from tests.support.server import API_KEY, OctopusServer


@pytest.mark.agent
@pytest.mark.parametrize("root", ["nuget/v3/index.json", "nuget"])
def test_a_running_server_is_a_nuget_feed(octopus: OctopusServer, root: str) -> None:
    name = f"Acme.Feed{len(root)}"
    for version in ("1.0.0", "1.10.0", "1.9.0-rc.1+build"):
        octopus.push("package.nupkg", nupkg(name, version))
    place = FeedPlace("NuGet", f"{octopus.url}/{root}", "any", API_KEY, allow_loopback=True)
    feed = source_at(place)
    assert f"protocol {3 if root.endswith('json') else 2}" in feed.check()
    found = [each.version for each in newest_first(feed.versions(name.lower()))]
    assert [text.partition("+")[0] for text in found] == ["1.10.0", "1.9.0-rc.1", "1.0.0"]
    assert name in [hit.package_id for hit in feed.search(name, 10)]
    with feed.open(name, "1.10.0") as opened:
        assert (opened.extension, b"".join(opened.pieces)) == (".nupkg", nupkg(name, "1.10.0"))
    with pytest.raises(NotThere):
        feed.versions("Acme.Nothing")
    stranger = FeedPlace("NuGet", f"{octopus.url}/{root}", "any", "API-WRONG", allow_loopback=True)
    with pytest.raises(SourceFailed, match=r"40[13]"):
        source_at(stranger).check()
    with pytest.raises(SourceFailed, match=r"40[13]"):
        source_at(stranger).versions(name)
