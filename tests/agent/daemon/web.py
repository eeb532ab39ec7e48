"""A small REST side of the tests' own: registration, specs, and packages with ranges and faults."""

import contextlib
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

ANSWER = {
    "machineId": "Machines-7",
    "gatewayUrl": "wss://127.0.0.1:1",
    "gatewayThumbprint": "ab" * 32,
    "credential": "s" * 64,
    "spaceId": "Spaces-1",
    "serverUrl": None,
}


class Web:
    """What the server answers and what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: tuple[int, Any] = (200, ANSWER)
        self.blobs: dict[str, bytes] = {}
        self.specs: dict[str, bytes] = {}
        self.cut_after: int | None = None
        self.spoil = False
        self.hold: threading.Event | None = None
        self.artifacts: dict[str, bytearray] = {}
        self.artifact_names: dict[str, str] = {}
        self.artifact_faults: list[int] = []
        self.artifact_answer: bytes | None = None
        # Answers to requests for a patch, by the package's SHA-256; the last one stays.
        self.offers: dict[str, list[tuple[int, Any]]] = {}

    def add(self, content: bytes) -> str:
        """Offer a package; returns its SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.blobs[sha256] = content
        return sha256

    def ranges(self) -> list[str]:
        """Return the Range headers of the package requests."""
        asked = [headers for _, path, headers, _ in self.requests if "/packages/" in path]
        return [headers.get("range", "") for headers in asked]


@contextmanager
def open_web(context: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Serve on a free port of this machine."""
    web = Web()

    class Handler(_Handler):
        state = web

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if context is None else "https"
    web.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Web
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Register, or offer a patch."""
        if not self.path.endswith("/patch"):
            self._register()
            return
        self._note(self.rfile.read(int(self.headers["Content-Length"])))
        answers = self.state.offers.get(self.path.split("/")[-2], [(404, {})])
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self._send(status, json.dumps(body).encode() if body else b"", {})

    def do_DELETE(self) -> None:
        self._register()

    def do_PUT(self) -> None:
        """Take a piece of an artifact; a fault takes half of it and then closes."""
        length = int(self.headers["Content-Length"])
        held = self.state.artifacts.setdefault(self.path, bytearray())
        if self.state.artifact_faults:
            status = self.state.artifact_faults.pop(0)
            held += self.rfile.read(length)[: length // 2]
            self.close_connection = True
            if status:
                self._send(status, b"{}", {"Connection": "close"})
            return
        body = self.rfile.read(length)
        self._note(body)
        held += body
        self.state.artifact_names[self.path] = unquote(self.headers["X-Octopus-File-Name"])
        total = int(self.headers["Content-Range"].partition("/")[2])
        self._held(is_stored=len(held) == total)

    def _held(self, *, is_stored: bool) -> None:
        size = len(self.state.artifacts.get(self.path, b""))
        answer = json.dumps({"received": size, "stored": is_stored}).encode()
        self._send(200, self.state.artifact_answer or answer, {})

    def do_GET(self) -> None:
        self._note(b"")
        if "/artifacts/" in self.path:
            self._held(is_stored=False)
            return
        name = self.path.rsplit("/", 1)[1]
        if self.path.endswith("/spec"):
            self._send(200, self.state.specs[self.path.split("/")[-2]], {})
        elif name in self.state.blobs:
            self._package(name)
        else:
            self._send(404, b"{}", {})

    def log_message(self, *arguments: object) -> None:
        """Stay quiet."""

    def _register(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._note(self.rfile.read(length))
        status, body = self.state.answer
        self._send(status, json.dumps(body).encode(), {})

    def _package(self, sha256: str) -> None:
        content, tag = self.state.blobs[sha256], f'"{sha256}"'
        if self.state.spoil:
            content = b"?" + content[1:]
        wanted = self.headers.get("Range")
        start = 0
        if wanted and self.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        headers = {"ETag": tag, "Accept-Ranges": "bytes"}
        body = content[start:]
        if self.state.hold is not None:
            self._slowly(body, headers)
            return
        cut, self.state.cut_after = self.state.cut_after, None
        if cut is None:
            self._send(206 if start else 200, body, headers)
            return
        self.send_response(206 if start else 200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])
        self.close_connection = True

    def _slowly(self, body: bytes, headers: dict[str, str]) -> None:
        """Send half of it, and the rest when the test lets go."""
        assert self.state.hold is not None
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(body[: len(body) // 2])
            self.state.hold.wait(20)
            self.wfile.write(body[len(body) // 2 :])

    def _note(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.state.requests.append((self.command, self.path, headers, body))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
