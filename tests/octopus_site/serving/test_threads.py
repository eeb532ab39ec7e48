"""The thread of a request."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from octopus_site.serving.threads import OneThread


@pytest.fixture
def thread() -> Any:
    thread = OneThread("of a test")
    yield thread
    thread.shutdown()


class Large:
    """Something that can be looked after."""

    def __init__(self, _: Any = None) -> None:
        pass


def _fail(_: Any) -> None:
    raise LookupError


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


def test_what_no_future_takes_is_told_by_another_error(thread: OneThread) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        in_loop(lambda: thread.begin(next, iter(())))


@pytest.mark.parametrize("does", [Large, _fail], ids=["good", "failed"])
def test_it_holds_nothing_of_what_it_has_done(
    thread: OneThread, does: Callable[[Any], Any]
) -> None:
    async def ask() -> list[Any]:
        gone = []
        for ask in (thread.begin, lambda *what: asyncio.wrap_future(thread.submit(*what))):
            given = Large()
            gone.append(weakref.ref(given))
            with suppress(LookupError):
                gone.append(weakref.ref(await ask(does, given)))
            del given
        await asyncio.wrap_future(thread.submit(int))
        return gone

    gone = in_loop(ask)
    gc.collect()
    assert [each() for each in gone] == [None] * (4 if does is Large else 2)


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


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "forgotten"])
def test_it_ends_when_it_has_done_what_it_was_given(is_told: bool) -> None:
    thread = OneThread("that ends")
    given = thread.submit(threading.current_thread)
    if is_told:
        thread.shutdown()
    else:
        del thread
    given.result().join(timeout=10)
    assert not given.result().is_alive()


def test_one_that_has_ended_takes_nothing_more() -> None:
    thread = OneThread("that has ended")
    thread.shutdown()
    with pytest.raises(RuntimeError, match="ended"):
        thread.submit(int)


_PROGRAM = """
import asyncio, time
from octopus_site.serving.threads import OneThread

async def leave():
    thread.begin(lambda: (time.sleep(0.3), print("done", flush=True)))

idle, thread = OneThread("idle"), OneThread("busy")
asyncio.run(leave())
"""


def test_a_process_ends_when_it_has_done_what_it_was_given() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "done\n"
