"""Which addresses feeds may have."""

import pytest

from deployments.base.errors import Invalid
from packages_feed.sources import FeedPlace, SourceFailed, require_place, source_at
from tests.packages_feed.sources.servers import files, serving


def test_the_server_itself_is_no_feed_unless_allowed() -> None:
    with serving(files({})) as served, pytest.raises(SourceFailed, match="this server itself"):
        source_at(FeedPlace("Maven", served.url)).versions("com.acme:web")
    with pytest.raises(SourceFailed, match="link-local"):
        source_at(FeedPlace("GitHub", "http://169.254.169.254")).versions("a/b")


@pytest.mark.parametrize(
    ("kind", "uri"),
    [
        ("NuGet", "https://api.nuget.org/v3/index.json"),
        ("NuGet", "http://10.0.0.4:8081/nuget/"),
        ("Docker", "https://registry.example.com"),
        ("S3", ""),
    ],
)
def test_addresses_that_are_taken(kind: str, uri: str) -> None:
    require_place(FeedPlace(kind, uri))


@pytest.mark.parametrize(
    ("kind", "uri"),
    [
        ("NuGet", ""),
        ("NuGet", "ftp://example.com/"),
        ("NuGet", "file:///etc"),
        ("NuGet", "\\\\server\\share"),
        ("Maven", "/srv/maven"),
        ("Maven", "https://ana:secret@example.com"),
        ("Maven", "https://example.com/?token=x"),
        ("Docker", "https://exa mple.com"),
        ("GitHub", "https://[::1"),
        ("S3", "s3://bucket"),
        ("Maven", f"https://example.com/{'x' * 2000}"),
    ],
)
def test_addresses_that_are_refused(kind: str, uri: str) -> None:
    with pytest.raises(Invalid) as caught:
        require_place(FeedPlace(kind, uri))
    assert list(caught.value.fields) == ["FeedUri"]
