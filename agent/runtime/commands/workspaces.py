"""The folders of released commands: kept a while for a look, then removed one after the other."""

import asyncio
import contextlib
import time
from collections import deque
from pathlib import Path

from agent.contracts import limits
from agent.runtime import platform
from agent.runtime.commands.folder import CommandFolder


class Workspaces:
    """Removes folders in the order in which they were retired, not in the way of commands.

    A file that is made soon after others were deleted costs a file system much more, so a busy
    machine deletes later, in one go.
    """

    def __init__(self, root: Path, retention_s: float) -> None:
        self._root = root
        self._retention_s = retention_s
        self._retired: deque[tuple[float, CommandFolder]] = deque()
        self._first_changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def retire(self, folder: CommandFolder, *, age_s: float = 0.0, size: int = 0) -> None:
        """Remove a folder when it has been kept long enough: at once when it is large."""
        platform.leave_no_trace(folder.path.name, kill=False)
        if size > limits.WORKSPACE_KEPT_SIZE:
            self._retired.appendleft((0.0, folder))
        else:
            self._retired.append((time.monotonic() + self._retention_s - age_s, folder))
        self._first_changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._remove_in_turn())

    async def close(self) -> None:
        """Stop; the next daemon finds what is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _remove_in_turn(self) -> None:
        while True:
            self._first_changed.clear()
            if not self._retired:
                await self._first_changed.wait()
                continue
            due, folder = self._retired[0]
            wait = min(due - time.monotonic(), limits.WORKSPACE_SWEEP)
            if wait <= 0 or platform.free_disk(self._root) < limits.WORKSPACE_FREE_DISK:
                self._retired.popleft()
                await asyncio.to_thread(folder.remove)
                platform.leave_no_trace(folder.path.name, kill=False)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._first_changed.wait()
