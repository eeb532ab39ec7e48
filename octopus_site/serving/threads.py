"""A thread that does what an event loop gives it."""

import asyncio
import atexit
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Wanted = SimpleQueue[Callable[[], None] | None]

_threads: Final[weakref.WeakKeyDictionary[threading.Thread, _Wanted]] = weakref.WeakKeyDictionary()


class OneThread(Executor):
    """One thread, which does one thing after the other.

    Python's pool of one does the same, but to wait for it in an event loop takes three times as
    long: there a future of the thread is chained to one of the loop. As with the pool, the process
    ends when the thread has done what it was given.
    """

    def __init__(self, name: str) -> None:
        self._wanted: _Wanted = SimpleQueue()
        thread = threading.Thread(target=_work, args=(self._wanted,), name=name, daemon=True)
        _threads[thread] = self._wanted
        thread.start()
        self._end = weakref.finalize(self, self._wanted.put, None)

    def begin(self, function: Callable[..., _T], *args: Any) -> "asyncio.Future[_T]":
        """Begin to call the function; return what the running loop can wait for."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def call() -> None:
            if future.cancelled():
                return
            try:
                result = function(*args)
            except BaseException as error:  # noqa: BLE001 it belongs to whoever waits
                _soon(loop, _fail, future, error)
            else:
                _soon(loop, _succeed, future, result)

        self._put(call)
        return future

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        future: Future[_T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 it belongs to whoever waits
                future.set_exception(error)
            else:
                future.set_result(result)

        self._put(call)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 as every Executor
        """End the thread when it has done what it was given; nobody waits for that here."""
        self._end()

    def _put(self, call: Callable[[], None]) -> None:
        if not self._end.alive:
            raise RuntimeError("The thread has ended.")
        self._wanted.put(call)


def _work(wanted: _Wanted) -> None:
    while (call := wanted.get()) is not None:
        call()
        del call  # and with it a whole request, which may be large


def _soon(loop: asyncio.AbstractEventLoop, tell: Callable[..., None], *what: Any) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(tell, *what)


def _succeed(future: "asyncio.Future[_T]", result: _T) -> None:
    if not future.cancelled():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if future.cancelled():
        return
    if isinstance(error, StopIteration):  # which no future takes
        error = RuntimeError("It raised StopIteration.")
    future.set_exception(error)


@atexit.register
def _end_all() -> None:
    """Let requests that run end well."""
    for thread, wanted in list(_threads.items()):
        wanted.put(None)
        thread.join()
