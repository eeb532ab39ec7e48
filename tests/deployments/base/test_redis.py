"""Redis that is away, or answers nothing, costs a process its time-out once and not each time."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.conf import settings

from deployments.base.redis import REST_AFTER_FAILURE, Rest, command_client, try_redis
from deployments.base.wake import wake_now


@pytest.fixture
def black_hole(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give a Redis that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(settings, "OCTOPUS", replace(settings.OCTOPUS, redis_url=url))
        monkeypatch.setattr(Rest, "until", 0.0)
        command_client.cache_clear()
        yield
        command_client.cache_clear()


def ping() -> str:
    return try_redis(lambda client: str(client.ping()), otherwise="away")


def test_only_the_first_call_waits(black_hole: None) -> None:
    began = time.monotonic()
    assert ping() == "away"
    assert time.monotonic() - began > 1
    began = time.monotonic()
    for _ in range(100):
        wake_now("server_tasks.schedule")
        assert ping() == "away"
    assert time.monotonic() - began < 1
    # After the rest it is asked again.
    assert 0 < Rest.until - time.monotonic() <= REST_AFTER_FAILURE
    Rest.until = time.monotonic()
    assert try_redis(lambda _client: "asked", otherwise="away") == "asked"


def test_an_error_of_the_work_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rest, "until", 0.0)

    def broken(_client: object) -> str:
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        try_redis(broken, otherwise="away")
