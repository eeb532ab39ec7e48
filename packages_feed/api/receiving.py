"""The one file of a request: a multipart part of any name, or the body itself."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from io import BytesIO
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from deployments.base.errors import Invalid
from packages_feed.ingest import Spool, Spooled, current_limits
from packages_feed.storage import package_storage

_PIECE = 1024 * 1024
_BEGIN_AND_END = 2
_DISPOSITION = re.compile(
    rb"Content-Disposition: form-data; name=(\"?)\w+\1; filename=(\"?)([A-Za-z0-9][\w.+-]*)\2"
    rb"(?:; filename\*=utf-8''\3)?"
)
_TYPE = re.compile(rb"Content-Type: [a-z]+/[a-z.-]+")
_DIGEST = re.compile(r"([A-Za-z0-9-]+)=:([^:,]*):")
_NO_FILE = "The request has no file: send a multipart part with a filename, or the bytes as body."


@dataclass(frozen=True)
class ReceivedFile:
    """The spooled bytes and the name that the client gave, if any."""

    upload: Spooled
    name: str | None


class _SpoolHandler(FileUploadHandler):
    """Writes the first file of a form to the spool and leaves the others out."""

    chunk_size = _PIECE

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self.spool = spool
        self.received: ReceivedFile | None = None
        self._name: str | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if self._name is not None:
            raise SkipFile
        super().new_file(*args, **kwargs)
        self._name = self.file_name or ""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.spool.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> Any:
        self.received = ReceivedFile(self.spool.finish(), self._name)
        return None


@contextmanager
def received_file(
    request: HttpRequest,
    *,
    limit: int | None = None,
    what: str = "package",
    most_held: int = 0,
) -> Iterator[ReceivedFile]:
    """Read the request's file into a spool that lives as long as the block.

    The limit is that of packages unless another is given. A file of at most `most_held` bytes is
    held in memory. Raises Invalid when there is no file, TooLarge beyond the limit.
    """
    most = current_limits().package if limit is None else limit
    with Spool(package_storage().spool_folder, limit=most, what=what) as spool:
        is_form = request.content_type == "multipart/form-data"
        read = _from_form if is_form else _from_body
        received = read(request, spool, most_held)
        _require_hashes(request, received.upload, is_form=is_form)
        yield received


def _from_form(request: HttpRequest, spool: Spool, most_held: int) -> ReceivedFile:
    form: Any = request
    length = request.META.get("CONTENT_LENGTH", "")
    if length.isdecimal() and int(length) <= _PIECE:
        data = request.read()
        if plain := plain_form(data, (request.content_params or {}).get("boundary", "")):
            return ReceivedFile(_spooled(spool, plain[1], most_held), plain[0])
        form = BytesIO(data)
    handler = _SpoolHandler(spool)
    try:
        MultiPartParser(request.META, form, [handler], "utf-8").parse()
    except MultiPartParserError as error:
        raise Invalid("The multipart form cannot be read.") from error
    if handler.received is None:
        raise Invalid(_NO_FILE)
    return handler.received


def plain_form(data: bytes, boundary: str) -> tuple[str, bytes] | None:
    """Return name and bytes of the one file of a form as NuGet clients send it.

    None for any other form: that is for Django's parser, which takes a tenth of a small push.
    """
    mark = b"--" + boundary.encode("ascii", "replace")
    head, _, rest = data.partition(b"\r\n\r\n")
    begin, *lines = head.split(b"\r\n")
    content, _, end = rest.rpartition(b"\r\n" + mark)
    if begin != mark or end not in {b"--", b"--\r\n"} or data.count(mark) != _BEGIN_AND_END:
        return None
    others = [line for line in lines if not _TYPE.fullmatch(line)]
    named = _DISPOSITION.fullmatch(others[0]) if len(others) == 1 else None
    return (named[3].decode(), content) if named else None


def _from_body(request: HttpRequest, spool: Spool, most_held: int) -> ReceivedFile:
    piece = request.read(_PIECE)
    if not piece:
        raise Invalid(_NO_FILE)
    if not (following := request.read(_PIECE)):
        return ReceivedFile(_spooled(spool, piece, most_held), _name_of_body(request))
    spool.write(piece)
    while following:
        spool.write(following)
        following = request.read(_PIECE)
    return ReceivedFile(spool.finish(), _name_of_body(request))


def _spooled(spool: Spool, content: bytes, most_held: int) -> Spooled:
    """Return a file that is here as a whole as an upload."""
    if len(content) <= most_held:
        return spool.hold(content)
    spool.write(content)
    return spool.finish()


def _require_hashes(request: HttpRequest, upload: Spooled, *, is_form: bool) -> None:
    """Compare the file with the query's `sha256` (hex) and, of a body, with Content-Digest."""
    texts = (str(text) for name, text in request.GET.items() if name.lower() == "sha256")
    told = [("sha-256", text.strip("/").lower()) for text in texts if text]
    if not is_form:
        told += _digests(request.META.get("HTTP_CONTENT_DIGEST", ""))
    hashes = {"sha-256": upload.sha256, "sha-512": upload.sha512}
    for algorithm, expected in told:
        if hashes[algorithm] != expected:
            raise Invalid(
                f"The file was damaged on its way: its {algorithm} is {hashes[algorithm]},"
                f" not {expected[:128]!a}."
            )


def _digests(header: str) -> list[tuple[str, str]]:
    """Return the hashes of a Content-Digest header (RFC 9530) that are known here, in hex."""
    found = []
    for algorithm, text in _DIGEST.findall(header):
        if algorithm.lower() in {"sha-256", "sha-512"}:
            try:
                found.append((algorithm.lower(), base64.b64decode(text, validate=True).hex()))
            except ValueError as error:
                raise Invalid("Content-Digest cannot be read.") from error
    return found


def _name_of_body(request: HttpRequest) -> str | None:
    """Return the file name from Content-Disposition or the query's `fileName`."""
    header = request.headers.get("Content-Disposition", "")
    if header:
        message = Message()
        message["Content-Disposition"] = header
        if name := message.get_filename():
            return name.replace("\\", "/").rpartition("/")[2]
    names = (text for name, text in request.GET.items() if name.lower() == "filename")
    return next((str(name).rpartition("/")[2] for name in names), None)
