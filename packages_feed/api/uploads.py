"""Uploads in pieces: begun, continued where they ended, completed."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.errors import describe
from deployments.base.api.links import space_path
from deployments.base.errors import Invalid
from packages_feed.api.packages import meant_by, storage_answer
from packages_feed.api.serializers import package_resource
from packages_feed.models import PackageVersion
from packages_feed.queries import built_in_feed
from packages_feed.services import Outcome
from packages_feed.services.resumable import (
    ResumableUpload,
    WrongPlace,
    abandon_upload,
    begin_upload,
    complete_upload,
    find_upload,
    receive_piece,
    received,
)

_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_PIECE = 256 * 1024
_LARGEST = 10**18
_TEXTS = ("Name", "OverwriteMode", "Sha256", "PackageId", "Version")


class UploadViewSet(SpaceViewSet[PackageVersion]):
    """One upload belongs to who began it."""

    model = PackageVersion
    view_permission = Permission.FeedView
    permission_map: ClassVar = {
        "begin": Permission.BuiltInFeedPush,
        "state": Permission.BuiltInFeedPush,
        "receive": Permission.BuiltInFeedPush,
        "abandon": Permission.BuiltInFeedPush,
        "complete": Permission.BuiltInFeedPush,
    }

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, WrongPlace):
            status, body = describe(exc)
            return Response({**body, "Received": exc.received}, status=status)
        return storage_answer(exc) or super().handle_exception(exc)

    def begin(self, request: Request, **ids: Any) -> Response:
        """Begin an upload: `Name`, `Size`, and if wanted `OverwriteMode` and `Sha256`."""
        body = request.data if isinstance(request.data, dict) else {}
        size = body.get("Size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _LARGEST:
            raise Invalid("Size must be the number of bytes of the file.")
        texts = {key: body.get(key) or "" for key in _TEXTS}
        if wrong := [key for key, text in texts.items() if not isinstance(text, str)]:
            raise Invalid(f"{wrong[0]} must be a text.")
        upload = begin_upload(
            actor=self.actor,
            space=self.space,
            name=texts["Name"],
            size=size,
            overwrite_mode=texts["OverwriteMode"],
            sha256=texts["Sha256"].lower(),
            meant=meant_by(texts["PackageId"], texts["Version"]),
        )
        return Response(self._resource(upload, 0), status=201)

    def state(self, request: Request, **ids: Any) -> Response:
        """Tell how many bytes are here."""
        upload = self._upload()
        return Response(self._resource(upload, received(upload)))

    def receive(self, request: Request, **ids: Any) -> Response:
        """Append the body, of which `Content-Range: bytes first-last/size` says what it is."""
        upload, sent = self._upload(), request._request  # noqa: SLF001 before any parser
        match = _RANGE.fullmatch(sent.headers.get("Content-Range", ""))
        if match is None or int(match[3]) != upload.size or int(match[2]) < int(match[1]):
            raise Invalid(
                f"Content-Range must be `bytes first-last/{upload.size}`, as the piece is."
            )
        here = receive_piece(upload, start=int(match[1]), pieces=_body(sent))
        if here != int(match[2]) + 1:
            raise WrongPlace(here)
        return Response(self._resource(upload, here))

    def abandon(self, request: Request, **ids: Any) -> Response:
        """Give the upload up and delete what has come."""
        abandon_upload(self._upload())
        return Response({})

    def complete(self, request: Request, **ids: Any) -> Response:
        """Check the whole and add it to the feed; answers with the package."""
        stored = complete_upload(actor=self.actor, space=self.space, upload=self._upload())
        resource = package_resource(stored.version, built_in_feed(self.space).public_id)
        status = 200 if stored.outcome is Outcome.IGNORED else 201
        return Response(resource, status=status)

    def _upload(self) -> ResumableUpload:
        return find_upload(self.actor, self.space, str(self.kwargs["upload"]))

    def _resource(self, upload: ResumableUpload, count: int) -> dict[str, Any]:
        own = space_path(self.space, "packages", "uploads", upload.id)
        return {
            "Id": upload.id,
            "Name": upload.name,
            "Size": upload.size,
            "Received": count,
            "Links": {"Self": own, "Complete": f"{own}/complete"},
        }


def _body(request: HttpRequest) -> Iterator[bytes]:
    while piece := request.read(_PIECE):
        yield piece
