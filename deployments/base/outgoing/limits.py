"""A limit for all that is done over connections, where a socket's own is for one silence only."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException


class Limit:
    """Shuts the connection that it watches down once the time is over."""

    def __init__(self) -> None:
        self.is_over = False
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None

    def watch(self, connection: socket.socket) -> None:
        """Watch this connection from now on, and no other; TLS may be put on it later."""
        with self._lock:
            self._let_go()
            # A handle of our own: TLS takes over that of the connection, and says goodbye first.
            self._watched = socket.socket(fileno=os.dup(connection.fileno()))
            if self.is_over:
                self._shut()

    def end(self) -> None:
        """The time is over."""
        with self._lock:
            self.is_over = True
            self._shut()

    def let_go(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            self._let_go()

    def _shut(self) -> None:
        if self._watched is not None:
            with suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        if self._watched is not None:
            self._watched.close()
            self._watched = None


@contextmanager
def limited(seconds: float) -> Iterator[Limit]:
    """Give a limit that ends what it watches. Raises TimeoutError when it had to."""
    limit = Limit()
    timer = threading.Timer(seconds, limit.end)
    timer.daemon = True
    timer.start()
    try:
        yield limit
    except (OSError, HTTPException) as error:
        if limit.is_over:
            raise _too_long(seconds) from error
        raise
    finally:
        timer.cancel()
        limit.let_go()
    if limit.is_over:
        raise _too_long(seconds)  # what was read is the beginning only


def _too_long(seconds: float) -> TimeoutError:
    return TimeoutError(f"The answer was not complete after {seconds:g} s.")
