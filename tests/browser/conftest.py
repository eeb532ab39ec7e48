"""The sample's data, made once; every module has a server of its own on a copy of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.screenshots import filled_folder, sample_server
from tests.support.server import OctopusServer


@pytest.fixture(scope="session")
def filled() -> Iterator[Path]:
    """Give the data folder that the servers copy."""
    with filled_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def server(filled: Path) -> Iterator[OctopusServer]:
    """Give the module's server with the sample's data."""
    with sample_server(filled) as running:
        yield running
