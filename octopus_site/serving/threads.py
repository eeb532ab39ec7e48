"""A thread that does what an event loop gives it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class OneThread(Executor):
    """One thread, which does one thing after the other.

    Python's pool of one does the same, and `run_in_executor` chains its future to one of the loop,
    which takes three times as long as the way there and back.
    """

    def __init__(self, name: str) -> None:
        self._wanted: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def begin(self, function: Callable[..., _T], *args: Any) -> "asyncio.Future[_T]":
        """Begin to call the function; return what the running loop can wait for."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def call() -> None:
            try:
                tell: Any = (future.set_result, function(*args))
            except BaseException as error:  # noqa: BLE001 it belongs to whoever waits
                tell = (future.set_exception, error)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_tell, future, *tell)

        self._wanted.put(call)
        return future

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        future: Future[_T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 it belongs to whoever waits
                future.set_exception(error)

        self._wanted.put(call)
        return future

    def end(self) -> None:
        """End the thread when it has done what it was given."""
        self._wanted.put(None)

    def _work(self) -> None:
        while call := self._wanted.get():
            call()


def _tell(future: "asyncio.Future[Any]", tell: Callable[[Any], None], what: Any) -> None:
    if not future.cancelled():
        tell(what)
