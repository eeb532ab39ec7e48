"""A receiver of webhooks, and a clock that begins after what has happened so far."""

from collections.abc import Iterator

import pytest

from deployments.access.services.request_settings import set_allow_loopback
from deployments.audit.services.matching import match_events
from tests.deployments.audit.receiver import Receiver, receiving
from tests.factories import SYSTEM
from tests.factories.execution import SettableClock


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    set_allow_loopback(actor=SYSTEM, allowed=True)
    with receiving() as one:
        yield one


@pytest.fixture
def clock() -> SettableClock:
    match_events()
    return SettableClock()
