"""Reading from a feed over HTTP: limits, credentials for its own host only, plain errors."""

import base64
import http.client
import json
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from deployments.base.outgoing import HttpRequest, Refused, open_answer
from packages_feed.sources.base import FeedPlace, NotThere, SourceFailed

_SILENCE_S: Final = 20.0
_LONGEST_S: Final = 60.0
_MOST_BYTES: Final = 32 * 1024 * 1024
_PIECE: Final = 256 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS
OK, REFUSED = 200, 300
NO_CREDENTIALS, FORBIDDEN, MISSING, TOO_MANY = 401, 403, 404, 429
_WORDS: Final = {
    NO_CREDENTIALS: "it asks for other credentials (401)",
    FORBIDDEN: "it refuses access (403)",
    TOO_MANY: "it has had too many requests (429)",
}


class FeedClient:
    """Asks one feed. Every method raises SourceFailed, NotThere for a 404."""

    def __init__(self, place: FeedPlace) -> None:
        self._place = place
        self._headers: dict[str, str] = {}
        self._end: float | None = None
        if place.username:
            pair = f"{place.username}:{place.password}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"

    def sign_in_with(self, headers: Mapping[str, str]) -> None:
        """Send these headers to the feed's own host from now on."""
        self._headers.update(headers)

    def json(self, url: str, accept: str = "application/json") -> Any:
        """Return the document at an address."""
        try:
            return json.loads(self.read(url, accept))
        except (ValueError, RecursionError) as error:
            raise SourceFailed(f"The answer of {_host(url)} is not JSON.") from error

    def xml(self, url: str) -> Element:
        """Return the root of the document at an address."""
        try:
            return fromstring(self.read(url, "application/atom+xml, application/xml, */*"))
        except (ParseError, DefusedXmlException, ValueError) as error:
            raise SourceFailed(f"The answer of {_host(url)} is not XML.") from error

    def read(self, url: str, accept: str = "*/*") -> bytes:
        """Return a short answer whole."""
        with self.opened(url, accept) as response:
            return self.whole(response, url)

    def whole(self, response: http.client.HTTPResponse, url: str) -> bytes:
        """Return the body; all short answers of one conversation share its time."""
        if self._end is None:
            self._end = time.monotonic() + _LONGEST_S
        return whole(response, _host(url), end=self._end)

    @contextmanager
    def opened(
        self, url: str, accept: str = "*/*", *, also: tuple[int, ...] = ()
    ) -> Iterator[http.client.HTTPResponse]:
        """Give an answer of success, or one with a status in `also`."""
        own = _may_know(urlsplit(self._place.uri), urlsplit(url))
        request = HttpRequest(
            "GET",
            url,
            {"Accept": accept, **(self._headers if own else {})},
            allow_loopback=self._place.allow_loopback,
        )
        with failing_plainly(url), open_answer(request, _SILENCE_S) as response:
            if not (OK <= response.status < REFUSED or response.status in also):
                raise _failure(url, response.status)
            yield response

    @contextmanager
    def pieces(self, url: str) -> Iterator[Iterator[bytes]]:
        """Give a long answer piece by piece; one that ends early fails."""
        with self.opened(url) as response:
            yield _pieces(response, _host(url))


def _pieces(response: http.client.HTTPResponse, host: str) -> Iterator[bytes]:
    expected, size = response.length, 0
    while piece := response.read1(_PIECE):
        size += len(piece)
        yield piece
    if expected is not None and size != expected:
        raise SourceFailed(f"{host} has sent {size} of {expected} bytes.")


@contextmanager
def failing_plainly(url: str) -> Iterator[None]:
    """Turn every error of a connection into SourceFailed."""
    try:
        yield
    except Refused as error:
        raise SourceFailed(f"{_host(url)} may not be asked: {error}") from error
    except (OSError, http.client.HTTPException, zlib.error) as error:
        what = str(error) or type(error).__name__
        raise SourceFailed(f"{_host(url)} cannot be asked: {what}") from error
    except ValueError as error:
        # Not its own text: it may quote a header, and that the password.
        text = "the address, or what is sent to sign in, has characters that HTTP does not know"
        raise SourceFailed(f"{_host(url)} cannot be asked: {text}.") from error


def joined(base: str, reference: str) -> str:
    """Return where a reference in a feed's answer leads; raises SourceFailed."""
    try:
        url = urljoin(base, reference)
        urlsplit(url)
    except ValueError as error:
        raise SourceFailed(f"The answer of {_host(base)} names no address.") from error
    return url


def whole(response: http.client.HTTPResponse, host: str, *, end: float | None = None) -> bytes:
    """Return the body, unpacked where it is packed; raises SourceFailed for a very long one.

    It must be there at `end`, by default a minute from now.
    """
    end, body = end or time.monotonic() + _LONGEST_S, bytearray()
    is_packed = response.getheader("Content-Encoding", "").lower() == "gzip"
    unpacker = zlib.decompressobj(_GZIP) if is_packed else None
    # What has come is enough: a full piece of a slow feed would be waited for without an end.
    while piece := response.read1(_PIECE):
        body += unpacker.decompress(piece, _MOST_BYTES) if unpacker else piece
        if len(body) >= _MOST_BYTES or (unpacker and unpacker.unconsumed_tail):
            raise SourceFailed(f"The answer of {host} is larger than {_MOST_BYTES} bytes.")
        if time.monotonic() > end:
            raise SourceFailed(f"{host} has not answered within {_LONGEST_S:g} seconds.")
    return bytes(body)


def _failure(url: str, status: int) -> SourceFailed:
    if status == MISSING:
        return NotThere(f"{_host(url)} has nothing at {urlsplit(url).path} (404).")
    words = _WORDS.get(status, f"it answers with the status {status}")
    return SourceFailed(f"{_host(url)} cannot be read: {words}.")


def _may_know(own: SplitResult, asked: SplitResult) -> bool:
    """Tell whether credentials may go there: the feed's own host, not less encrypted."""
    return asked.netloc == own.netloc and asked.scheme in {own.scheme, "https"}


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or "The feed"
