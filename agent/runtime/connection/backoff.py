"""How long to wait before the next connection; pure."""

import random

from agent.contracts import limits


class Backoff:
    """Full jitter over a growing span that falls back only after a stable session."""

    def __init__(self, source: random.Random | None = None) -> None:
        self._random = source or random.Random()  # noqa: S311
        self._attempt = 0

    def next_delay(self, session_s: float, retry_after_s: float | None = None) -> float:
        """Return the wait in seconds after a session (0 if none came about) has ended.

        A server that names a time gets it, spread by up to a quarter more.
        """
        if session_s >= limits.STABLE_SESSION:
            self._attempt = 0
        span = min(limits.RECONNECT_MAX, limits.RECONNECT_BASE * 2**self._attempt)
        self._attempt = min(self._attempt + 1, 16)
        if retry_after_s is not None:
            return retry_after_s * self._random.uniform(1.0, 1.25)
        return self._random.uniform(0.0, span)
