"""Remember what long texts were read as, within a bound on all of them together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar

_Read = TypeVar("_Read")
_MOST_CHARACTERS: Final = 4_000_000


class TextCache(Generic[_Read]):
    """Results of reading by text; those that were not asked for longest go first."""

    def __init__(self, read: Callable[[str], _Read], most: int = _MOST_CHARACTERS) -> None:
        self._read = read
        self._most = most
        self._held: OrderedDict[str, _Read] = OrderedDict()
        self._characters = 0
        self._lock = Lock()

    def __call__(self, text: str) -> _Read:
        """Return what the text was read as, or read it; one too long for the cache each time."""
        with self._lock:
            if text in self._held:
                self._held.move_to_end(text)
                return self._held[text]
        found = self._read(text)
        if len(text) <= self._most // 2:
            self._hold(text, found)
        return found

    def _hold(self, text: str, found: _Read) -> None:
        with self._lock:
            if text not in self._held:
                self._characters += len(text)
            self._held[text] = found
            while self._characters > self._most:
                oldest, _ = self._held.popitem(last=False)
                self._characters -= len(oldest)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self._characters = 0
