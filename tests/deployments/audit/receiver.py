"""A web address that takes what subscriptions send, on a real socket."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What arrived; `status` is answered, with `location` when there is one."""

    url: str = ""
    status: int = 200
    location: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body)["Payload"]["Event"] for body in self.bodies]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]  # set by the fixture
        length = int(self.headers["Content-Length"])
        receiver.bodies.append(self.rfile.read(length))
        receiver.headers.append(dict(self.headers))
        self.send_response(receiver.status)
        if receiver.location:
            self.send_header("Location", receiver.location)
        self.end_headers()
        self.wfile.write(b"thank you")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the library's name
        """Be quiet."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Give a receiver that listens on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    receiver = Receiver(url=f"http://127.0.0.1:{server.server_address[1]}/hook")
    server.receiver = receiver  # type: ignore[attr-defined]  # set by the fixture
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
