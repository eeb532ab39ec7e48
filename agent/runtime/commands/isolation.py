"""Which commands may overlap: a fair reader-writer lock per name."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from agent.contracts.messages import Isolation


@dataclass(slots=True)
class _Lock:
    shared: int = 0
    exclusive: int = 0
    waiting: deque[tuple[bool, asyncio.Future[None]]] = field(default_factory=deque)

    def may_enter(self, *, shared: bool) -> bool:
        return not self.exclusive and (shared or not self.shared)


class Slots:
    """How many commands run at once, whatever their isolation; the server sets the limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._free = asyncio.Event()
        self._free.set()

    def resize(self, limit: int) -> None:
        """Change the limit; what runs already goes on."""
        self._limit = limit
        self._update()

    @contextlib.asynccontextmanager
    async def hold(self, *, at_once: bool = False) -> AsyncIterator[None]:
        """Wait for a free slot (unless the command runs already) and keep it for the block."""
        while not at_once and self._used >= self._limit:
            await self._free.wait()
        self._used += 1
        self._update()
        try:
            yield
        finally:
            self._used -= 1
            self._update()

    def _update(self) -> None:
        if self._used < self._limit:
            self._free.set()
        else:
            self._free.clear()


class IsolationLocks:
    """Turns are given in the order of asking, so a stream of shared ones starves nobody."""

    def __init__(self) -> None:
        self._locks: dict[str, _Lock] = {}

    @contextlib.asynccontextmanager
    async def hold(self, wanted: Isolation) -> AsyncIterator[None]:
        """Wait for the turn and keep it for the block."""
        shared = wanted.mode == "shared"
        lock = self._locks.setdefault(wanted.name, _Lock())
        if lock.waiting or not lock.may_enter(shared=shared):
            await self._wait(lock, shared=shared)
        else:
            _enter(lock, shared=shared)
        try:
            yield
        finally:
            self._leave(wanted.name, lock, shared=shared)

    def force(self, wanted: Isolation) -> contextlib.AbstractAsyncContextManager[None]:
        """Take the turn without waiting, for a command that was found running at the start."""
        return self._forced(wanted.name, shared=wanted.mode == "shared")

    @contextlib.asynccontextmanager
    async def _forced(self, name: str, *, shared: bool) -> AsyncIterator[None]:
        lock = self._locks.setdefault(name, _Lock())
        _enter(lock, shared=shared)
        try:
            yield
        finally:
            self._leave(name, lock, shared=shared)

    async def _wait(self, lock: _Lock, *, shared: bool) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket = (shared, turn)
        lock.waiting.append(ticket)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The turn came while we gave up: pass it on.
                _exit(lock, shared=shared)
            elif ticket in lock.waiting:
                # Not there when the turn was passed over between the giving up and now.
                lock.waiting.remove(ticket)
            _wake(lock)
            raise

    def _leave(self, name: str, lock: _Lock, *, shared: bool) -> None:
        _exit(lock, shared=shared)
        _wake(lock)
        if not (lock.shared or lock.exclusive or lock.waiting):
            self._locks.pop(name, None)


def _wake(lock: _Lock) -> None:
    while lock.waiting and lock.may_enter(shared=lock.waiting[0][0]):
        shared, turn = lock.waiting.popleft()
        if not turn.done():
            _enter(lock, shared=shared)
            turn.set_result(None)


def _enter(lock: _Lock, *, shared: bool) -> None:
    if shared:
        lock.shared += 1
    else:
        lock.exclusive += 1


def _exit(lock: _Lock, *, shared: bool) -> None:
    if shared:
        lock.shared -= 1
    else:
        lock.exclusive -= 1
