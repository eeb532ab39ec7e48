"""A process that writes small files beside this one.

A thread would not do: forcing a file to the disk is a chain of short waits, and after each of them
Python lets a thread go on only when the one that checks the package pauses.
"""

import errno
import os
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

MOST_CONTENT: Final = 64 * 1024
"""Bytes of the largest file that is worth it, and that a packet to the process takes."""
_PROGRAM: Final = Path(__file__).with_name("writer_program.py")
_PLACED: Final = b"P"
_PATIENCE: Final = struct.pack("ll", 60, 0)  # seconds and microseconds


class Writer:
    """One process, which writes one file at a time; it ends with this one, however that ends."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM)], stdin=theirs.fileno()
            )

    def begin(self, path: Path, target: Path, content: bytes) -> "Writing | None":
        """Begin to write the content to `path` and to link that to `target`.

        None while another file is written, and where there is no such process just now.
        """
        if len(content) > MOST_CONTENT:
            return None
        packet = b"\0".join((os.fsencode(path), os.fsencode(target), content))
        if not self.lock.acquire(blocking=False):
            return None
        is_told = False
        try:
            is_told = self._tell(packet)
        finally:
            if not is_told:
                self.lock.release()
        return Writing(self, path, target) if is_told else None

    def _tell(self, packet: bytes) -> bool:
        """Send a packet; False when nobody takes it, and then another process is started."""
        try:
            self.channel.send(packet)
        except OSError as error:
            if error.errno != errno.EMSGSIZE:  # the system's bounds for packets are narrow
                self.renew()
            return False
        return True

    def hear(self) -> bytes:
        """Wait for the answer; nothing when none will come, and then another process is started."""
        answer = b""
        try:
            with suppress(OSError):
                answer = self.channel.recv(1)
        finally:
            if not answer:
                self.renew()
        return answer

    def renew(self) -> None:
        """Start another process instead of this one."""
        self.close()
        with suppress(OSError):  # the next file tries it again
            self._start()

    def close(self) -> None:
        """End the process."""
        self.channel.close()
        self.process.kill()
        self.process.wait()


class Writing:
    """A file that is being written; a context manager that ends when it is, well or not."""

    def __init__(self, writer: Writer, path: Path, target: Path) -> None:
        self._writer = writer
        self._path = path
        self._target = target
        self._is_placed: bool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.is_placed()

    def is_placed(self) -> bool:
        """Wait until it is in its place and on the disk; False when the caller has to see to it.

        The file's first name is the caller's to delete.
        """
        if self._is_placed is None:
            self._is_placed = False
            try:
                self._is_placed = self._writer.hear() == _PLACED
            finally:
                self._writer.lock.release()
        return self._is_placed

    def has_place(self) -> bool:
        """Tell whether what has the place now is this file; another may not be on the disk yet."""
        try:
            return self._path.samefile(self._target)
        except OSError:
            return False


_writer: Writer | None = None


def use_writer() -> None:
    """Start the process for all storages of this one; for a process that takes packages in.

    A system without packets between processes (macOS) does without.
    """
    global _writer  # noqa: PLW0603 one for the process
    with suppress(OSError):
        _writer = _writer or Writer()


def begin(path: Path, target: Path, content: bytes) -> Writing | None:
    """Begin to write a file, if there is who does it."""
    return _writer.begin(path, target, content) if _writer else None
