"""Repositories of GitHub as feeds."""

import json

import pytest

from packages_feed.sources import NotThere
from tests.packages_feed.sources.servers import fetched, files, serving, source, versions


def test_github_gives_tags_notes_and_source() -> None:
    tags = [{"name": f"v1.{number}.0"} for number in range(100)]
    content = {
        "/repos/acme/web/tags?per_page=100&page=1": json.dumps(tags).encode(),
        "/repos/acme/web/tags?per_page=100&page=2": b'[{"name": "v2.0.0-rc.1"}, {"name": "old"}]',
        "/repos/acme/web/releases/tags/v1.5.0": b'{"body": "Better"}',
        "/repos/acme/web/zipball/v1.5.0": b"source",
        "/search/repositories?q=web+user%3Aacme&per_page=5": (
            b'{"items": [{"full_name": "acme/web"}]}'
        ),
    }
    with serving(files(content)) as served:
        github = source("GitHub", served.url, password="token")
        found = versions(github, "acme/web")
        assert (len(found), found[0], found[-1]) == (101, "v2.0.0-rc.1", "v1.0.0")
        assert github.notes("acme/web", "v1.5.0") == "Better"
        assert github.notes("acme/web", "v1.6.0") == ""
        assert fetched(github, "acme/web", "v1.5.0")[:2] == (".zip", b"source")
        assert [hit.package_id for hit in github.search("acme/web", 5)] == ["acme/web"]
        assert {headers["Authorization"] for _, headers in served.seen} == {"Bearer token"}
        with pytest.raises(NotThere, match="owner/repository"):
            github.versions("web")
