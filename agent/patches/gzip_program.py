"""Deflate by the program gzip: what `tar czf` and `gzip` make, zlib does not make again."""

import os
import select
import shutil
import subprocess
from typing import IO, Final, Self

from agent.patches.format import BrokenPatch

# What tells these levels from those of zlib in a plan, and the levels that a gzip header tells.
BY_PROGRAM: Final = 10
LEVELS: Final = (6, 9, 1)
_PATIENCE_MS: Final = 60_000
_BLOCK: Final = 64 * 1024
# What gzip writes around the stream when it is given neither a name nor a time.
_HEAD: Final = 10
_TAIL: Final = 8


class GzipProgram:
    """A running gzip: what goes in, and what has come out of it so far. Raises BrokenPatch.

    It is given up when it takes nothing and gives nothing for so many milliseconds.
    """

    def __init__(self, level: int, patience_ms: int = _PATIENCE_MS) -> None:
        program = shutil.which("gzip")
        if program is None:
            raise BrokenPatch("it needs the program gzip")
        try:
            self._process = subprocess.Popen(
                [program, "-n", "-c", f"-{level}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath, "LC_ALL": "C"},
            )
        except OSError as problem:
            raise BrokenPatch(f"gzip cannot be started: {problem}") from problem
        self._input, self._output = _pipe(self._process.stdin), _pipe(self._process.stdout)
        os.set_blocking(self._input.fileno(), False)
        self._patience_ms = patience_ms
        self._skip = _HEAD
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def compress(self, block: bytes | bytearray) -> bytes:
        """Give it a block; return what has come out meanwhile."""
        found: list[bytes] = []
        rest = memoryview(block)
        while rest:
            readable, writable = self._wait()
            if readable:
                found.append(self._read())
            if writable:
                rest = rest[self._write(rest) :]
        return self._content(b"".join(found))

    def flush(self) -> bytes:
        """End the input; return the rest of the stream."""
        self._input.close()
        found: list[bytes] = []
        while block := self._read():
            found.append(block)
        if self._process.wait() != 0:
            raise BrokenPatch("gzip has failed")
        content = self._content(b"".join(found))
        self.close()
        return content

    def close(self) -> None:
        """End the program, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._output.close()
        self._input.close()

    def _wait(self) -> tuple[bool, bool]:
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        poll.register(self._input, select.POLLOUT)
        ready = dict(poll.poll(self._patience_ms))
        if not ready:
            raise BrokenPatch("gzip does not go on")
        return self._output.fileno() in ready, self._input.fileno() in ready

    def _read(self) -> bytes:
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        if not poll.poll(self._patience_ms):
            raise BrokenPatch("gzip does not go on")
        return os.read(self._output.fileno(), _BLOCK)

    def _write(self, rest: memoryview) -> int:
        try:
            return os.write(self._input.fileno(), rest[:_BLOCK])
        except BlockingIOError:
            return 0
        except BrokenPipeError as problem:
            raise BrokenPatch("gzip has failed") from problem

    def _content(self, block: bytes) -> bytes:
        """Return what is of the stream: no head, and what may be the tail is held back."""
        skipped = min(self._skip, len(block))
        self._skip -= skipped
        held = self._held + block[skipped:]
        self._held = held[-_TAIL:]
        return held[:-_TAIL]


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise BrokenPatch("gzip has no pipes")
    return pipe
