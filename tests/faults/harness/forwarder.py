"""A line between agents and gateway that a test may cut, hold, slow down or starve."""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.faults.harness.frames import FrameReader

Direction = Literal["up", "down"]
UP: Direction = "up"  # from the agent to the server
DOWN: Direction = "down"
_CHUNK = 16384


@dataclass
class Line:
    """How bytes pass; changed from the test's thread at any time.

    `held`: they wait. `lost`: on connections that stand they vanish for ever, as behind a dead
    link. `rate`: bytes in a second. `largest`: a frame above it stalls its direction.
    """

    held: set[Direction] = field(default_factory=set)
    delay: float = 0.0
    rate: float = 0.0
    largest: int = 0
    idle: float = 0.0
    is_refusing: bool = False


class _Pair:
    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.writers = (near, far)
        self.lost: set[Direction] = set()
        self.seen = time.monotonic()
        self.is_forgotten = False

    def reset(self) -> None:
        """Cut both ends with a TCP reset."""
        for writer in self.writers:
            found = writer.get_extra_info("socket")
            if found is not None:
                with contextlib.suppress(OSError):
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def close(self) -> None:
        for writer in self.writers:
            writer.close()


class Forwarder:
    """Listens on `port` and forwards to `target`, which may be changed."""

    def __init__(self, target: int, *, host: str = "127.0.0.1") -> None:
        self.target = target
        self.target_host = "127.0.0.1"
        self.port = 0
        self.line = Line()
        self.opened = 0
        self.cuts = 0
        self.seen_kinds: dict[tuple[Direction, str], int] = {}
        self._host = host
        self._pairs: set[_Pair] = set()
        self._cut: tuple[Direction, str, bool] | None = None
        self._cut_after: tuple[Direction, int] | None = None
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        self._run(self._listen())

    def stop(self) -> None:
        """Cut everything and end."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def reset(self) -> None:
        """Reset every connection that stands."""

        async def reset() -> None:
            for pair in list(self._pairs):
                self._reset(pair)

        self._run(reset())

    def lose(self, *directions: Direction) -> None:
        """Let what passes on the connections that stand vanish; new ones are whole."""

        async def lose() -> None:
            for pair in self._pairs:
                pair.lost.update(directions)

        self._run(lose())

    def forget(self) -> None:
        """Cut the agents' ends alone; the server's ends stay open and hear nothing more."""

        async def forget() -> None:
            for pair in list(self._pairs):
                pair.lost.update((UP, DOWN))
                pair.is_forgotten = True
                pair.writers[0].transport.abort()

        self._run(forget())

    def cut_at(self, direction: Direction, kind: str, *, after: bool = False) -> None:
        """Reset the connection on which the next message of a kind passes: before it, or after."""
        self._cut = (direction, kind, after)

    def cut_after(self, direction: Direction, count: int) -> None:
        """Reset the connection on which so many bytes have passed from now on."""
        self._cut_after = (direction, count)

    @property
    def is_armed(self) -> bool:
        return self._cut is not None or self._cut_after is not None

    def disarm(self) -> None:
        self._cut = self._cut_after = None

    @contextmanager
    def changed(self, **changes: Any) -> Iterator[None]:
        """Let the line be otherwise for the length of a block."""
        for name, value in changes.items():
            setattr(self.line, name, value)
        try:
            yield
        finally:
            self.line = Line()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for pair in list(self._pairs):
            pair.reset()
        while self._pairs:  # noqa: ASYNC110 each takes itself out
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            if self.line.is_refusing:
                raise OSError("refused on purpose")
            there_in, there_out = await asyncio.open_connection(self.target_host, self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, there_out)
        self._pairs.add(pair)
        pumps = [
            asyncio.create_task(self._pump(pair, UP, reader, there_out)),
            asyncio.create_task(self._pump(pair, DOWN, there_in, writer)),
            asyncio.create_task(self._watch(pair)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if pair.is_forgotten:
                await asyncio.wait({pumps[1]}, timeout=60)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            pair.close()
            self._pairs.discard(pair)

    async def _pump(
        self,
        pair: _Pair,
        direction: Direction,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
    ) -> None:
        frames = FrameReader()
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                pair.seen = time.monotonic()
                await self._slow_down(direction, len(data))
                if direction in pair.lost:
                    continue
                for piece in self._pieces(pair, direction, frames, data):
                    target.write(piece)
                    await target.drain()

    async def _slow_down(self, direction: Direction, size: int) -> None:
        while direction in self.line.held:  # noqa: ASYNC110 the test's thread lets go
            await asyncio.sleep(0.02)
        if self.line.delay:
            await asyncio.sleep(self.line.delay)
        if self.line.rate:
            await asyncio.sleep(size / self.line.rate)

    def _pieces(
        self, pair: _Pair, direction: Direction, frames: FrameReader, data: bytes
    ) -> Iterator[bytes]:
        """Yield what of the data passes on."""
        if self._cut_after is not None and self._cut_after[0] == direction:
            left = self._cut_after[1] - len(data)
            self._cut_after = (direction, left)
            if left <= 0:
                self._cut_after = None
                yield data[: len(data) + left]
                self._reset(pair)
                return
        whole = frames.feed(data)
        for frame in whole:
            key = (direction, frame.kind)
            self.seen_kinds[key] = self.seen_kinds.get(key, 0) + 1
        if self.line.largest and any(len(frame.raw) > self.line.largest for frame in whole):
            pair.lost.add(direction)
            return
        kinds = [frame.kind for frame in whole]
        if self._cut is not None and self._cut[0] == direction and self._cut[1] in kinds:
            after = self._cut[2]
            self._cut = None
            if after:
                yield data
            self._reset(pair)
            return
        yield data

    async def _watch(self, pair: _Pair) -> None:
        """Close a connection on which nothing has passed for long, as proxies do."""
        while True:
            await asyncio.sleep(0.1)
            if self.line.idle and time.monotonic() - pair.seen > self.line.idle:
                self.cuts += 1
                return

    def _reset(self, pair: _Pair) -> None:
        self.cuts += 1
        pair.reset()


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds; False when the time is over."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
