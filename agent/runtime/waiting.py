"""Waiting that costs no task, for the paths that every command and every frame takes."""

import asyncio


async def wait_at_most(event: asyncio.Event, seconds: float | None) -> None:
    """Wait until the event is set, or some seconds have passed (None: for ever)."""
    if event.is_set():
        return
    if seconds is None:
        await event.wait()
        return
    timer = asyncio.get_running_loop().call_later(seconds, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()
