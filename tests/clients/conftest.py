"""One feed for all tests with real clients; each test uses package ids of its own."""

import pytest

from tests.clients.feed_server import FeedServer, start_feed_server
from tests.support.processes import Processes


@pytest.fixture(scope="session")
def feed(session_processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> FeedServer:
    """Give the running feed."""
    return start_feed_server(session_processes, tmp_path_factory.mktemp("feed"))
