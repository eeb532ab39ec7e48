"""A program on trial: its connection to the parent that decides. Loaded before the spawner."""

import contextlib
import os
import socket
from dataclasses import dataclass

SETTING = "OCTOPUS_TENTACLE_TRIAL"
WELCOME = b"w"


@dataclass(frozen=True, slots=True)
class TrialSeat:
    """Readable at its end: then the parent has seen enough, or is gone."""

    connection: socket.socket

    @classmethod
    def take(cls) -> "TrialSeat | None":
        """Return the seat if this process is on trial; its children are not."""
        number = os.environ.pop(SETTING, "")
        if not number:
            return None
        connection = socket.socket(fileno=int(number))
        connection.set_inheritable(False)
        return cls(connection)

    def report_welcome(self) -> None:
        """Tell the parent that the server has welcomed this program."""
        with contextlib.suppress(OSError):
            self.connection.send(WELCOME)
