"""The hash of each log as it arrived, to be compared with what the agent says at the end."""

import hashlib
from typing import Any

from agent.contracts.messages import Finished
from agent.contracts.out_frame import OutFrame


class ReceivedLogs:
    """Hashes the logs that this session has seen from their first byte on."""

    def __init__(self) -> None:
        self._logs: dict[str, tuple[Any, int]] = {}

    def add(self, frame: OutFrame) -> None:
        """Take in the next output of a command."""
        hashed, length = self._logs.get(frame.id) or (hashlib.sha256(), 0)
        if length != frame.offset:
            self.drop(frame.id)
            return
        hashed.update(frame.payload)
        self._logs[frame.id] = (hashed, frame.end)

    def rewind(self, command_id: str, offset: int) -> None:
        """Forget a log of which other bytes come next than expected."""
        known = self._logs.get(command_id)
        if known is not None and known[1] != offset:
            self.drop(command_id)

    def drop(self, command_id: str) -> None:
        """Forget a log."""
        self._logs.pop(command_id, None)

    def is_damaged(self, finished: Finished) -> bool:
        """Say whether the whole log arrived and is not the one that the agent stored."""
        hashed, length = self._logs.get(finished.id) or (None, 0)
        if hashed is None or length != finished.bytes or finished.sha256 is None:
            return False
        return bool(hashed.hexdigest() != finished.sha256)
