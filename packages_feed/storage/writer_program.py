"""Writes small files for the server process that started it; a program, which nothing imports.

It imports little of Python's and nothing of ours, so that it starts at once and needs 8 MB. Each
packet on its standard input, a socket, is one request: `W` writes a file and forces it to the disk,
`P` gives it its second name, which alone is answered, and `F` forgets it.
"""

import os
import signal
import socket

_MOST = 80 * 1024  # the largest content and two paths
_PLACED, _FAILED = b"P", b"F"


class _File:
    """The file of one `W`: its first name, the one that it is to get, and whether all went well."""

    def __init__(self, path: bytes, target: bytes, content: bytes) -> None:
        self.path = path
        self.target = target
        self.is_known = _size(target) == len(content)
        self.is_written = False
        if self.is_known:
            return
        try:
            self._write(content)
            for folder in _make_folder(os.path.dirname(target)):
                _sync(os.path.dirname(folder))
            self.is_written = True
        except OSError:
            self.forget()

    def _write(self, content: bytes) -> None:
        descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def place(self) -> bytes:
        """Give the file its second name, and return the answer."""
        if not self.is_known and not self.is_written:
            return _FAILED
        try:
            if self.is_written:
                os.link(self.path, self.target)
            # Also where it was known: whoever has placed it may not have come so far.
            _sync(os.path.dirname(self.target))
        except OSError:
            return _FAILED
        return _PLACED

    def forget(self) -> None:
        """Take the first name away."""
        try:
            os.unlink(self.path)
        except OSError:
            pass


def _size(path: bytes) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _make_folder(folder: bytes) -> list[bytes]:
    """Make a folder; return it and those above it that were not there."""
    missing: list[bytes] = []
    while not os.path.isdir(folder):
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
    file: _File | None = None
    try:
        while packet := channel.recv(_MOST):
            if packet[:1] == b"W":
                file = _File(*packet[1:].split(b"\0", 2))
            elif file and packet == b"P":
                placed, file = file, None  # its first name is the asker's from here
                channel.send(placed.place())
            elif file:
                file.forget()
                file = None
    except OSError:
        pass  # it has gone
    if file:
        file.forget()


if __name__ == "__main__":
    main()
