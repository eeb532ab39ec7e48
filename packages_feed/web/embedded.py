"""Icons and texts of packages as answers that can do no harm to who opens them."""

from django.http import HttpResponse

from deployments.base.errors import NotFound
from packages_feed.contents import embedded_file, image_type
from packages_feed.models import PackageVersion
from packages_feed.storage import BlobMissing

_ALONE = "default-src 'none'; sandbox"


def icon_response(row: PackageVersion, *, is_named: bool = False) -> HttpResponse:
    """Answer with the icon; `is_named` by the hash of its package it never changes.

    Raises NotFound for what is no image, or might hold a script (SVG).
    """
    content = _content(row, "icon")
    kind = image_type(content)
    if kind is None:
        raise NotFound("The package has no icon.")
    return _answer(row, content, kind, is_named=is_named)


def text_response(row: PackageVersion, kind: str) -> HttpResponse:
    """Answer with the `readme` or `license_file` as plain text; raises NotFound."""
    return _answer(row, _content(row, kind), "text/plain; charset=utf-8")


def _content(row: PackageVersion, kind: str) -> bytes:
    try:
        content = embedded_file(row, kind)
    except BlobMissing as error:
        raise NotFound("The file of this package is missing in the storage.") from error
    if content is None:
        raise NotFound("The package has no such file.")
    return content


def _answer(
    row: PackageVersion, content: bytes, kind: str, *, is_named: bool = False
) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response.headers["Content-Security-Policy"] = _ALONE
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["ETag"] = f'"{row.blob_id}"'
    response.headers["Cache-Control"] = (
        "private, max-age=31536000, immutable" if is_named else "private, no-cache"
    )
    return response
