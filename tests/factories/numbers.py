"""Numbers for names: in each test the same, whatever was made before it."""

from itertools import count

# All of the same length: names stand in lists as they were made, and none begins with another.
_FIRST = 101


class Numbers:
    """Counts on with each that is asked for."""

    def __init__(self) -> None:
        self.restart()

    def __next__(self) -> int:
        return next(self._left)

    def restart(self) -> None:
        """Begin again."""
        self._left = count(_FIRST)


NUMBERS = Numbers()
