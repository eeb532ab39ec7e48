"""Small real HTTP servers that speak what the documents of feeds say, and reading from them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from packages_feed.sources import FeedPlace, Source, source_at
from packages_feed.sources.base import newest_first

Answer = tuple[int, Mapping[str, str], bytes]
# Path with query, and the request's headers.
Answers = Callable[[str, Mapping[str, str]], Answer]


@dataclass
class Served:
    """A running server and what it was asked."""

    url: str = ""
    seen: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)


@contextmanager
def serving(answers: Answers) -> Iterator[Served]:
    """Run a server until the block ends."""
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.seen.append((self.path, dict(self.headers)))
            status, headers, body = answers(self.path, dict(self.headers))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def files(content: Mapping[str, bytes]) -> Answers:
    """Return the answers of a server of files, by path."""

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        body = content.get(path)
        return (200, {}, body) if body is not None else (404, {}, b"nothing")

    return answer


def source(kind: str, uri: str, **values: object) -> Source:
    """Return the feed at an address that may be of this machine."""
    return source_at(FeedPlace(kind, uri, allow_loopback=True, **values))  # type: ignore[arg-type]  # given by name


def versions(from_: Source, package_id: str) -> list[str]:
    """Return the versions of a package as the feed offers them, newest first."""
    return [each.version for each in newest_first(from_.versions(package_id))]


def fetched(from_: Source, package_id: str, version: str) -> tuple[str, bytes, Mapping[str, str]]:
    """Return the extension, the bytes and the checksums of one package."""
    with from_.open(package_id, version) as opened:
        return opened.extension, b"".join(opened.pieces), opened.checksums
