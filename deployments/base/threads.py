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
            give_connection_back()

    return await sync_to_async(run, thread_sensitive=False)()


def give_connection_back() -> None:
    """End this thread's database connection, as a request does before an answer without end."""
    if connection.connection is not None:
        connection.close()
