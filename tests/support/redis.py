"""A real Redis on the socket that the settings of the tests name."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from deployments.base.redis import Rest, command_client
from octopus_site.up.redis_server import redis_command
from tests.support.processes import Processes, wait_until


def _answers() -> bool:
    try:
        return bool(command_client().ping())
    except OSError:
        return False
    except Exception as error:
        if type(error).__module__.startswith("redis"):
            return False
        raise


@pytest.fixture(scope="session")
def redis_server(session_processes: Processes) -> str:
    """Start the embedded Redis once; `deployments.base.redis` reaches it. Returns its URL."""
    session_processes.start("redis", redis_command(settings.OCTOPUS.data_dir))
    wait_until(_answers, what="Redis")
    url: str = settings.OCTOPUS.redis_url
    return url


@pytest.fixture
def redis_url(redis_server: str) -> Iterator[str]:
    """Give the URL of an empty Redis."""
    Rest.until = 0.0
    command_client().flushall()
    yield redis_server
    command_client().flushall()
