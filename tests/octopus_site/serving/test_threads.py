"""The thread of a request."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from octopus_site.serving.threads import OneThread


@pytest.fixture
def thread() -> Any:
    thread = OneThread("of a test")
    yield thread
    thread.end()


def in_loop(ask: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return await ask()

    return asyncio.run(main())


def test_it_does_all_in_one_thread_and_one_after_the_other(thread: OneThread) -> None:
    async def ask() -> list[Any]:
        asked = [thread.begin(threading.get_ident) for _ in range(3)]
        loop = asyncio.get_running_loop()
        return [*await asyncio.gather(*asked), await loop.run_in_executor(thread, _ident)]

    found = in_loop(ask)
    assert len(set(found)) == 1
    assert found[0] != threading.get_ident()


def _ident() -> int:
    return threading.get_ident()


def test_what_is_raised_there_is_raised_here(thread: OneThread) -> None:
    def fail() -> None:
        raise LookupError("there")

    with pytest.raises(LookupError, match="there"):
        in_loop(lambda: thread.begin(fail))
    with pytest.raises(LookupError, match="there"):
        thread.submit(fail).result()
    assert in_loop(lambda: thread.begin(lambda: "still")) == "still"


def test_nobody_need_wait_for_it(thread: OneThread) -> None:
    go_on = threading.Event()

    async def ask() -> Any:
        asked = thread.begin(go_on.wait)
        asked.cancel()
        go_on.set()
        return await thread.begin(lambda: "next")

    assert in_loop(ask) == "next"
    go_on.clear()

    async def leave() -> None:
        thread.begin(go_on.wait)

    asyncio.run(leave())
    go_on.set()
    assert in_loop(lambda: thread.begin(lambda: "after a loop that has ended")).startswith("after")


def test_what_is_cancelled_before_its_turn_is_not_done(thread: OneThread) -> None:
    go_on, done = threading.Event(), []
    first = thread.submit(go_on.wait)
    second = thread.submit(lambda: done.append("second"))
    assert second.cancel()
    go_on.set()
    assert first.result()
    assert thread.submit(lambda: "third").result() == "third"
    assert done == []


def test_it_ends_when_it_has_done_what_it_was_given() -> None:
    thread = OneThread("that ends")
    given = thread.submit(threading.current_thread)
    thread.end()
    given.result().join(timeout=10)
    assert not given.result().is_alive()
