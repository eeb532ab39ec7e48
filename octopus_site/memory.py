"""What a server process keeps in memory from its start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
        gc.enable()


def load_pages() -> None:
    """Load the code behind every address, which Django leaves to the first request."""
    from django.urls import get_resolver  # noqa: PLC0415 to be loaded within `loading`, too

    _ = get_resolver().url_patterns
