"""Progress of long commands: one line that changes on a terminal, else a line now and then."""

import sys
import time
from types import TracebackType
from typing import Final, Self, TextIO

_ON_TERMINAL_S: Final = 0.5
_IN_LOG_S: Final = 15.0
_MIB: Final = 1024**2


class Progress:
    """Counts files and bytes towards known totals and says how long it still takes."""

    def __init__(self, files: int, size: int, *, done: int = 0, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._files, self._size = files, size
        self._done, self._read, self._new = done, 0, 0
        self._begun = self._said = time.monotonic()
        self._every = _ON_TERMINAL_S if self._out.isatty() else _IN_LOG_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._out.isatty():
            print(file=self._out)

    def step(self, size: int) -> None:
        """Count one file more."""
        self._done += 1
        self._new += 1
        self._read += size
        now = time.monotonic()
        if now - self._said >= self._every:
            self._said = now
            self._say(now - self._begun)

    def _say(self, seconds: float) -> None:
        line = (
            f"{self._done:,} of {max(self._files, self._done):,} files,"
            f" {self._read / _MIB / seconds:,.0f} MiB/s{self._left(seconds)}"
        )
        if self._out.isatty():
            print(f"\r\x1b[K{line}", end="", file=self._out, flush=True)
        else:
            print(line, file=self._out, flush=True)

    def _left(self, seconds: float) -> str:
        left = self._files - self._done
        if left <= 0 or not self._new:
            return ""
        minutes = seconds / self._new * left / 60
        return f", about {minutes:,.0f} min left" if minutes >= 1 else ", less than a minute left"
