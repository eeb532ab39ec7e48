"""A small SMTP server on a real socket that keeps what it is sent."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message


@dataclass
class Mailbox:
    """What arrived, and the answer to RCPT for addresses that are refused."""

    port: int = 0
    mails: list[tuple[str, Message]] = field(default_factory=list)
    refused: frozenset[str] = frozenset()


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        mailbox: Mailbox = self.server.mailbox  # type: ignore[attr-defined]
        recipient = ""
        self._say("220 test ESMTP")
        while line := self.rfile.readline():
            command, _, argument = line.decode().strip().partition(" ")
            match command.upper():
                case "EHLO" | "HELO":
                    self._say("250 test")
                case "RCPT":
                    recipient = argument.partition("<")[2].partition(">")[0]
                    refused = recipient in mailbox.refused
                    self._say("550 no such user" if refused else "250 ok")
                case "DATA":
                    self._say("354 go on")
                    mailbox.mails.append((recipient, message_from_bytes(self._data())))
                    self._say("250 ok")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        return b"".join(lines)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    mailbox: Mailbox


@contextmanager
def smtp_server(refused: frozenset[str] = frozenset()) -> Iterator[Mailbox]:
    """Serve on a free port while the block runs."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.mailbox = Mailbox(server.server_address[1], refused=refused)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.mailbox
        finally:
            server.shutdown()
            thread.join()
