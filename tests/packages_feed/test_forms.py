"""Forms that are read without Django's parser are read as it reads them."""

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser
from hypothesis import given
from hypothesis import strategies as st

from packages_feed.api.receiving import plain_form

BOUNDARY = "b0undary"
NUGET = b"Content-Disposition: form-data; name=package; filename=package.nupkg"
TYPE = b"Content-Type: application/octet-stream"
LINES = st.sampled_from(
    [
        NUGET,
        NUGET + b"; filename*=utf-8''package.nupkg",
        NUGET + b"; filename*=utf-8''other.nupkg",
        b'Content-Disposition: form-data; name="package"; filename="Acme.Web.1.0.0.zip"',
        b'Content-Disposition: form-data; name="package"; filename="../Acme.zip"',
        b'Content-Disposition: form-data; name="package"; filename="&lt;.zip"',
        b"Content-Disposition: form-data; name=note",
        b"content-disposition: form-data; name=package; filename=a.zip",
        TYPE,
        b"Content-Type: text/plain; charset=utf-16",
        b"Content-Transfer-Encoding: base64",
        b"X-Other: 1",
    ]
)
MARK = b"--" + BOUNDARY.encode()
PIECES = st.sampled_from([b"PK\3\4", b"\r\n", b"\n", MARK, b"--", b"\r\n\r\n", b"", b"x" * 3000])


def form(lines: list[bytes], content: bytes, end: bytes) -> bytes:
    head = b"".join(line + b"\r\n" for line in lines)
    return MARK + b"\r\n" + head + b"\r\n" + content + b"\r\n" + MARK + end


def by_django(data: bytes) -> list[tuple[str, bytes]]:
    meta = {
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
        "CONTENT_LENGTH": len(data),
    }
    handler = MemoryFileUploadHandler()
    handler.activated = True
    handler.handle_raw_input = lambda *_, **__: None  # type: ignore[method-assign]  # keep all in memory
    _, files = MultiPartParser(meta, BytesIO(data), [handler], "utf-8").parse()
    found: list[Any] = list(files.values())
    return [(file.name, file.read()) for file in found]


@given(
    st.lists(LINES, max_size=3),
    st.lists(PIECES, max_size=4).map(b"".join),
    st.sampled_from([b"--", b"--\r\n", b"", b"\r\n", b"-- more"]),
)
def test_a_form_that_is_read_quickly_is_read_alike(
    lines: list[bytes], content: bytes, end: bytes
) -> None:
    data = form(lines, content, end)
    found = plain_form(data, BOUNDARY)
    if found is not None:
        assert by_django(data) == [found]


@pytest.mark.parametrize(
    "lines",
    [
        [NUGET],
        [TYPE, NUGET + b"; filename*=utf-8''package.nupkg"],
        [b'Content-Disposition: form-data; name="package"; filename="package.nupkg"', TYPE],
    ],
)
def test_what_nuget_clients_send_is_read_quickly(lines: list[bytes]) -> None:
    content = b"PK\3\4" + bytes(range(256)) + b"\r\n"
    assert plain_form(form(lines, content, b"--\r\n"), BOUNDARY) == ("package.nupkg", content)
    assert by_django(form(lines, content, b"--\r\n")) == [("package.nupkg", content)]
