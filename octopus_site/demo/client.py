"""A small REST client: JSON over HTTP with an API key."""

import json
import urllib.error
import urllib.request
from typing import Any


class RequestFailed(Exception):
    """The server refused a request; the text is what it said."""


class Client:
    """Calls one server in its Default space."""

    def __init__(self, server: str, api_key: str) -> None:
        self.server = server
        self._api_key = api_key

    def get(self, path: str) -> Any:
        """Return the JSON of a GET."""
        return self.call("GET", path)

    def post(self, path: str, body: Any) -> Any:
        """Return the JSON of a POST."""
        return self.call("POST", path, json.dumps(body).encode())

    def put(self, path: str, body: Any) -> Any:
        """Return the JSON of a PUT."""
        return self.call("PUT", path, json.dumps(body).encode())

    def find(self, collection: str, name: str) -> Any | None:
        """Return the resource with exactly this name, or None."""
        for item in self.get(f"/api/Spaces-1/{collection}/all"):
            if item["Name"] == name:
                return item
        return None

    def upload(self, path: str, file_name: str, content: bytes) -> Any:
        """Send one file as multipart/form-data."""
        boundary = "octopus-demo-boundary"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file";'
            f' filename="{file_name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        )
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.call("POST", path, body, f"multipart/form-data; boundary={boundary}")

    def call(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> Any:
        """Send a request; raises RequestFailed with the server's own words."""
        request = urllib.request.Request(  # noqa: S310 our own server
            self.server + path, data=body, method=method
        )
        request.add_header("X-Octopus-ApiKey", self._api_key)
        request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                content = response.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise RequestFailed(f"{method} {path}: {error.code} {text}") from error
        return json.loads(content) if content else None
