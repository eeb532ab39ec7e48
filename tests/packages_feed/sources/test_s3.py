"""A bucket as a feed, on a real store."""

import pytest

from packages_feed.sources import FeedPlace, NotThere, SourceFailed, source_at
from packages_feed.sources.base import newest_first
from tests.support.swift import S3Store, s3_client


def test_a_bucket_gives_the_packages_in_its_keys(swift: S3Store) -> None:
    client = s3_client(swift)
    client.create_bucket(Bucket="feed")
    for key in (
        "apps/Acme.Web.1.0.0.zip",
        "apps/Acme.Web.1.2.0.zip",
        "apps/Acme.Web.Api.9.0.0.zip",
        "apps/Acme.Web.old/Acme.Web.3.0.0.zip",
    ):
        client.put_object(Bucket="feed", Key=key, Body=key.encode())
    bucket = source_at(
        FeedPlace("S3", swift.endpoint, swift.key, swift.secret, allow_loopback=True)
    )
    assert "lists" in bucket.check()
    found = newest_first(bucket.versions("feed/apps/Acme.Web"))
    assert [each.version for each in found] == ["1.2.0", "1.0.0"]
    with bucket.open("feed/apps/Acme.Web", "1.2") as opened:
        assert opened.extension == ".zip"
        assert b"".join(opened.pieces) == b"apps/Acme.Web.1.2.0.zip"
    hits = [hit.package_id for hit in bucket.search("feed/apps/", 10)]
    assert hits == [
        "feed/apps/Acme.Web",
        "feed/apps/Acme.Web.Api",
        "feed/apps/Acme.Web.old/Acme.Web",
    ]
    with pytest.raises(NotThere):
        bucket.versions("feed/apps/Nothing")
    with pytest.raises(NotThere, match="NoSuchBucket"):
        bucket.versions("nothing/Acme")
    stranger = source_at(FeedPlace("S3", swift.endpoint, "x", "y", allow_loopback=True))
    with pytest.raises(SourceFailed, match="refuses"):
        stranger.versions("feed/apps/Acme.Web")
    with pytest.raises(SourceFailed, match="refuses"):
        stranger.check()
    with pytest.raises(SourceFailed, match="this server itself"):
        source_at(FeedPlace("S3", swift.endpoint, swift.key, swift.secret)).versions("feed/Acme")
