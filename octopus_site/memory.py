"""What a server process keeps in memory from its start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# So many objects more than were freed make a collection of the youngest ones. With Python's 700, a
# thousand commands that are read at once cost dozens of collections, in which nothing is garbage.
_MANY_NEW = 50_000


@contextmanager
def loading() -> Iterator[None]:
    """Load code without collections of garbage, and leave what is there out of later ones.

    Some hundred thousand objects of code and models live as long as the process. To look at them
    again and again takes a third of the time of a start, and later stops a request for a tenth of
    a second each time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_MANY_NEW, 10, 10)
        gc.enable()


def load_pages() -> None:
    """Load the code behind every address, which Django leaves to the first request."""
    from django.urls import get_resolver  # noqa: PLC0415 to be loaded within `loading`, too

    _ = get_resolver().url_patterns
