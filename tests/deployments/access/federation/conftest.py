"""An issuer of tokens that the server may reach."""

from collections.abc import Iterator

import pytest

from deployments.access.services.request_settings import set_allow_loopback
from tests.deployments.access.federation.issuer import Issuer, running_issuer
from tests.factories import SYSTEM


@pytest.fixture
def issuer(db: None) -> Iterator[Issuer]:
    """Give an issuer; the server may call services on this machine."""
    set_allow_loopback(actor=SYSTEM, allowed=True)
    with running_issuer() as found:
        yield found
