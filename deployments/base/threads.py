"""Database work beside an event loop."""

from collections.abc import Callable
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

_RESULT = TypeVar("_RESULT")


async def in_thread(work: Callable[[], _RESULT]) -> _RESULT:
    """Run database work in a thread of its own and give the connection back."""

    def run() -> _RESULT:
        try:
            return work()
        finally:
            if connection.connection is not None:
                connection.close()

    return await sync_to_async(run, thread_sensitive=False)()
