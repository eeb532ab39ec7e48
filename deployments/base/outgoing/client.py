"""One HTTP request to an address that was checked, within a time limit."""

import http.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from deployments.base.outgoing.addresses import Refused, addresses_of, connected
from deployments.base.outgoing.limits import Limit, limited
from deployments.base.outgoing.tls import client_context

LARGEST_BODY = 64 * 1024
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, repr=False)
class HttpRequest:
    """What to send."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    follow: bool = True
    allow_loopback: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """Status and the beginning of the body (LARGEST_BODY bytes)."""

    status: int
    body: bytes


def send(request: HttpRequest, timeout_s: float) -> Answer:
    """Send the request and read the beginning of its answer; raises as open_answer does.

    All of it together takes no longer than the limit, however slowly the other side answers.
    """
    with limited(timeout_s) as limit, open_answer(request, timeout_s, limit) as response:
        return Answer(response.status, response.read(LARGEST_BODY))


@contextmanager
def open_answer(
    request: HttpRequest, timeout_s: float, limit: Limit | None = None
) -> Iterator[http.client.HTTPResponse]:
    """Send the request, follow redirects and give the answer with its body still to be read.

    Headers go to the first host only, and never from https on to http, because they may carry
    credentials. Without a limit `timeout_s` is that of a silence only. Raises Refused, OSError and
    HTTPException.
    """
    method, url, body, headers = request.method, request.url, request.body, request.headers
    for _ in range(_MOST_REDIRECTS + 1):
        parts = urlsplit(url)
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        sent = {"User-Agent": "Octopus", "Accept": "*/*", **headers}
        with closing(
            _connection(url, timeout_s, limit, allow_loopback=request.allow_loopback)
        ) as connection:
            connection.request(method, path, body=body or None, headers=sent)
            with closing(connection.getresponse()) as response:
                location = response.getheader("Location") or ""
                if not (request.follow and location and response.status in _REDIRECTS):
                    yield response
                    return
                status = response.status
        target = urljoin(url, location)
        if _place(target) not in {_place(url), ("https", urlsplit(url).netloc)}:
            headers = {}
        if status not in _KEEP_METHOD and method != "HEAD":
            method, body = "GET", b""
        url = target
    raise Refused(f"More than {_MOST_REDIRECTS} redirects.")


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _connection(
    url: str, timeout_s: float, limit: Limit | None, *, allow_loopback: bool
) -> "_Connection":
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Refused("The address must begin with http:// or https://.")
    port = parts.port or _PORTS[parts.scheme]
    addresses = addresses_of(parts.hostname, port, allow_loopback=allow_loopback)
    return _Connection(
        parts.hostname, port, addresses, timeout_s, limit, is_secure=parts.scheme == "https"
    )


class _Connection(http.client.HTTPConnection):
    """Connects to one of the given addresses, and names the host in TLS and in the Host header."""

    def __init__(
        self,
        host: str,
        port: int,
        addresses: Sequence[str],
        timeout_s: float,
        limit: Limit | None,
        *,
        is_secure: bool,
    ) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._addresses = addresses
        self._limit = limit
        self._is_secure = is_secure
        if is_secure:
            self.default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        self.sock = connected(self._addresses, self.port, self.timeout)
        if self._limit is not None:
            self._limit.watch(self.sock)
        if self._is_secure:
            self.sock = client_context().wrap_socket(self.sock, server_hostname=self.host)
