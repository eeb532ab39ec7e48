"""Short works for the disk in threads that are kept: starting one takes longer than a work."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Final

_MOST: Final = 16
FILES: Final = ThreadPoolExecutor(_MOST, "file")
"""For files."""
FOLDERS: Final = ThreadPoolExecutor(_MOST, "folder")
"""For the folders of files: threads of their own, because those of files wait for them."""


@contextmanager
def beside(pool: ThreadPoolExecutor, work: Callable[[], object]) -> Iterator[None]:
    """Do the work while the block runs, whose end waits for it and raises what it raised."""
    running = pool.submit(work)
    try:
        yield
    finally:
        wait([running])
    running.result()
