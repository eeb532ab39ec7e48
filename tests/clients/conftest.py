"""Feeds for all tests with real clients; each test uses package ids of its own."""

import pytest

from tests.clients.feed_server import FeedServer, start_feed_server
from tests.support.processes import Processes
from tests.support.swift import S3Store


@pytest.fixture(scope="session")
def feed(session_processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> FeedServer:
    """Give the running feed, which keeps its packages on disk."""
    return start_feed_server(session_processes, tmp_path_factory.mktemp("feed"))


@pytest.fixture(scope="session")
def feed_on_s3(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory, swift: S3Store
) -> FeedServer:
    """Give the same feed with its packages in a bucket."""
    return _on_s3(session_processes, tmp_path_factory, swift)


@pytest.fixture(scope="session")
def redirecting_feed(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory, swift: S3Store
) -> FeedServer:
    """Give a feed on a bucket that sends its clients there for the bytes."""
    return _on_s3(session_processes, tmp_path_factory, swift, "&redirect=60")


@pytest.fixture(params=["feed", "feed_on_s3"])
def stored_feed(request: pytest.FixtureRequest) -> FeedServer:
    """Give the feed on disk and the one on S3."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.fixture(params=["feed", "feed_on_s3", "redirecting_feed"])
def giving_feed(request: pytest.FixtureRequest) -> FeedServer:
    """Give a feed for each way by which packages reach their clients."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def _on_s3(
    processes: Processes, folders: pytest.TempPathFactory, swift: S3Store, options: str = ""
) -> FeedServer:
    environment = {
        "OCTOPUS_STORAGE_URL": f"{swift.storage_url}{options}",
        "OCTOPUS_S3_ACCESS_KEY": swift.key,
        "OCTOPUS_S3_SECRET_KEY": swift.secret,
    }
    return start_feed_server(processes, folders.mktemp("feed-on-s3"), environment)
