"""Writes small files for the server process that started it; a program, which nothing imports.

It imports little of Python's and nothing of ours, so that it starts at once and needs 10 MB. Each
packet on its standard input, a socket, is one file: its first name, its place and its content. The
answer tells whether it is in its place and on the disk.
"""

import os
import signal
import socket
import threading
from queue import SimpleQueue

_MOST = 80 * 1024  # the largest content and two paths
_PLACED, _FAILED = b"P", b"F"


class _Folders:
    """Makes folders in a thread of its own, as a new one takes as long as the file in it."""

    def __init__(self) -> None:
        self._wanted: SimpleQueue[bytes] = SimpleQueue()
        self._made: SimpleQueue[bool] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def begin(self, folder: bytes) -> None:
        """Begin to make a folder and those above it, and to force them to the disk."""
        self._wanted.put(folder)

    def end(self) -> bool:
        """Wait for it; tell whether it is there."""
        return self._made.get()

    def _work(self) -> None:
        while True:
            folder, is_made = self._wanted.get(), False
            try:
                for made in _make_folder(folder):
                    _sync(os.path.dirname(made))
                is_made = True
            except OSError:
                pass
            finally:
                self._made.put(is_made)


def _place(folders: _Folders, path: bytes, target: bytes, content: bytes) -> None:
    """Write a file and give it its second name; raises OSError."""
    folder = os.path.dirname(target)
    if _size(target) != len(content):
        folders.begin(folder)
        try:
            _write(path, content)
        finally:
            is_made = folders.end()
        if not is_made:
            raise NotADirectoryError(folder)
        os.link(path, target)
    # Also where it was known: whoever has placed it may not have come so far.
    _sync(folder)


def _write(path: bytes, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: bytes) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _make_folder(folder: bytes) -> list[bytes]:
    """Make a folder; return it and those above it that were not there."""
    missing: list[bytes] = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        try:
            os.mkdir(each)
        except FileExistsError:
            pass
    return missing


def _sync(folder: bytes) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main() -> None:
    """Do what is asked until the process that asks has gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it has what it was asked last to do
    channel = socket.socket(fileno=0)
    folders = _Folders()
    try:
        while packet := channel.recv(_MOST):
            answer = _PLACED
            try:
                _place(folders, *packet.split(b"\0", 2))
            except OSError:
                answer = _FAILED
            channel.send(answer)
    except OSError:
        pass  # it has gone


if __name__ == "__main__":
    main()
