"""A gateway and a daemon that is connected to it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent.contracts.messages import Hello
from tests.agent.daemon.gateway import Daemon, Gateway, open_gateway
from tests.agent.daemon.web import Web, open_web


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with open_gateway() as opened:
        yield opened


@pytest.fixture
async def daemon(gateway: Gateway, tmp_path: Path) -> AsyncIterator[Daemon]:
    created = Daemon(tmp_path / "home", gateway.url)
    await created.start()
    try:
        await gateway.wait(Hello)
        yield created
    finally:
        await created.stop()


@pytest.fixture
def web() -> Iterator[Web]:
    with open_web() as opened:
        yield opened
