"""Redis that is away, or answers nothing, costs a process its time-out once and not each time."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from deployments.base import wake
from deployments.base.redis import REST_AFTER_FAILURE, Rest, command_client, only_one, try_redis


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


def test_one_is_within_at_a_time(redis_url: str) -> None:
    with (
        only_one("rounds", longest_s=60) as first,
        only_one("rounds", longest_s=60) as second,
        only_one("others", longest_s=60) as other,
    ):
        assert (first, second, other) == (True, False, True)
    with only_one("rounds", longest_s=60) as again:
        assert again


def test_without_redis_everybody_may(black_hole: None) -> None:
    with only_one("rounds", longest_s=60) as first, only_one("rounds", longest_s=60) as second:
        assert (first, second) == (True, True)


def test_only_the_first_call_waits(black_hole: None) -> None:
    began = time.monotonic()
    assert ping() == "away"
    assert time.monotonic() - began > 1
    began = time.monotonic()
    for _ in range(100):
        wake.wake_now("server_tasks.schedule")
        assert ping() == "away"
    assert time.monotonic() - began < 30
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


class Broker:
    """Notes what would be sent to workers."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, float | None]] = []

    def send_task(self, _name: str, *, args: tuple[str], countdown: float | None, **_: Any) -> None:
        self.sent.append((args[0], countdown))


@pytest.mark.django_db(transaction=True)
def test_two_tasks_stand_for_many_wake_ups(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    monkeypatch.setattr(wake, "current_app", broker)
    monkeypatch.setattr(wake, "_PAUSE_S", 1.5)  # longer than a busy machine takes for all of them
    monkeypatch.setattr(settings, "OCTOPUS", replace(settings.OCTOPUS, redis_url=redis_url))
    monkeypatch.setattr(Rest, "until", 0.0)
    command_client.cache_clear()
    try:
        for _ in range(20):
            wake.wake_often("base.consume", "one")
        wake.wake_often("base.consume", "another")
        # The second comes when no later one will find a mark and leave it to others.
        assert broker.sent == [("one", None), ("one", 1.5), ("another", None)]
        time.sleep(1.6)
        wake.wake_often("base.consume", "one")
        assert broker.sent[3:] == [("one", None)]
    finally:
        command_client.cache_clear()
