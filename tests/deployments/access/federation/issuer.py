"""An issuer of tokens: signs them and publishes its keys over HTTP, as a build server does."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from deployments.access.providers.discovery import forget


@dataclass
class Issuer:
    """Signs with the newest of its keys."""

    url: str
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    # The name that it gives itself, when it is not its address.
    name: str = ""
    asked: list[str] = field(default_factory=list)
    # What it answers at other paths; a text is sent as it is, or is where a redirect leads.
    pages: dict[str, tuple[int, Any]] = field(default_factory=dict)
    # What its discovery document says beside.
    more: dict[str, Any] = field(default_factory=dict)

    def rotate(self, key_id: str) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.keys = {key_id: ec.generate_private_key(ec.SECP256R1())}

    def sign(self, **claims: Any) -> str:
        """Return a token of five minutes; `claims` replace those of every token."""
        now = int(time.time())
        key_id, key = list(self.keys.items())[-1]
        every = {"iss": self.url, "iat": now, "exp": now + 300, **claims}
        return jwt.encode(every, key, "ES256", {"kid": key_id})

    def answer(self, path: str) -> tuple[int, Any]:
        """Return status and document of a path."""
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            named = {"issuer": self.name or self.url, "jwks_uri": f"{self.url}/keys"}
            return 200, {**named, **self.more}
        if path == "/keys":
            return 200, {"keys": [published(name, key) for name, key in self.keys.items()]}
        return self.pages.get(path, (404, {}))


def published(key_id: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Return the public half of a key as issuers publish it."""
    return {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Give an issuer on this machine, of which nothing is known."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, found = issuer.answer(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(status)
            if isinstance(found, str):
                self.send_header("Location", found)
            self.end_headers()
            self.wfile.write((found if isinstance(found, str) else json.dumps(found)).encode())

        do_POST = do_GET  # noqa: N815 its name there

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    issuer.rotate("first")
    forget(issuer.url)  # an earlier one may have had this port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
