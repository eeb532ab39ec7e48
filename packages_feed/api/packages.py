"""Packages of the built-in feed: upload, list, download, delete, notes."""

import base64
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.query import Query
from deployments.base.errors import Invalid
from packages_feed.api.receiving import received_file
from packages_feed.api.sending import package_response
from packages_feed.api.serializers import package_resource
from packages_feed.ingest import TooLarge
from packages_feed.models import Latest, PackageVersion
from packages_feed.queries import (
    are_latest,
    build_information_of,
    built_in_feed,
    find_by_wire_id,
    newest_of_each,
    versions_of,
)
from packages_feed.services import Outcome, OverwriteMode, Stored, delete_version, store_package
from packages_feed.services.clear_names import AmbiguousName
from packages_feed.services.delta_uploads import WrongBase, delta_signature, store_delta
from packages_feed.services.permissions import require_for_package
from packages_feed.storage import MOST_CONTENT, BlobMissing, StorageFailed

_MOST_BULK = 1000


class PackageViewSet(SpaceViewSet[PackageVersion]):
    """Versions by `packages-{id}.{version}`."""

    model = PackageVersion
    item_type = "PackageFromBuiltInFeed"
    path = "packages"
    query_names: ClassVar = ("nuGetPackageId", "filter", "latest", "skip", "take", "includeNotes")
    view_permission = Permission.FeedView
    permission_map: ClassVar = {
        "list": Permission.FeedView,
        "retrieve": Permission.FeedView,
        "notes": Permission.FeedView,
        "delta_signature": Permission.BuiltInFeedPush,
        "upload": Permission.BuiltInFeedPush,
        "upload_delta": Permission.BuiltInFeedPush,
        "download": Permission.BuiltInFeedDownload,
        "destroy": Permission.BuiltInFeedAdminister,
        "destroy_many": Permission.BuiltInFeedAdminister,
    }

    def handle_exception(self, exc: Exception) -> Response:
        return storage_answer(exc) or super().handle_exception(exc)

    def find(self, rows: "QuerySet[PackageVersion]", text: str) -> PackageVersion | None:
        row = find_by_wire_id(self.space, text)
        return rows.filter(pk=row.pk).first() if row is not None else None

    def require_on(self, row: PackageVersion, permission: Permission) -> None:
        if permission != self.seeing():
            require_for_package(self.actor, self.space, permission, row.package_id)

    def filtered(
        self, rows: "QuerySet[PackageVersion]", query: Query
    ) -> "QuerySet[PackageVersion]":
        package_id, text = query.text("nuGetPackageId"), query.text("filter")
        if package_id and text:
            raise Invalid("Only one of either nuGetPackageId or filter may be specified.")
        if ids := query.texts("ids"):
            found = (find_by_wire_id(self.space, each) for each in ids[:_MOST_BULK])
            return rows.filter(pk__in=[row.pk for row in found if row is not None])
        if package_id:
            wanted = versions_of(self.space, package_id)
            rows = rows.filter(id_lower=package_id.lower())
            rows = rows.order_by("-version_key", "-version_lower")
            return newest_of_each(rows, wanted) if query.flag("latest") else rows  # type: ignore[arg-type]
        if text:
            rows = rows.filter(id_lower__contains=text.lower())
        return are_latest(rows, self.space, Latest.OF_ALL).order_by("id_lower")  # type: ignore[arg-type]

    def serialized(self, rows: Any) -> list[dict[str, Any]]:
        feed_id = built_in_feed(self.space).public_id
        notes = bool(self.query.flag("includeNotes", default=False))
        rows = list(rows)
        told = build_information_of(self.space, rows)
        return [
            package_resource(
                row,
                feed_id,
                with_notes=notes,
                story=told.get((row.id_lower, row.version_lower)),
            )
            for row in rows
        ]

    def destroy_row(self, row: PackageVersion) -> None:
        delete_version(actor=self.actor, version=row)

    def upload(self, request: Request, **ids: Any) -> Response:
        """Store the file of the request under the name it came with."""
        mode = self._overwrite_mode()
        meant = meant_by(self.query.text("packageId"), self.query.text("version"))
        with received_file(request._request, most_held=MOST_CONTENT) as received:  # noqa: SLF001 before any parser
            stored = store_package(
                actor=self.actor,
                space=self.space,
                file=received.upload,
                file_name=_full_name(received.name),
                overwrite_mode=mode,
                meant=meant,
            )
        return self._stored(stored)

    def download(self, request: Request, **ids: Any) -> HttpResponseBase:
        """Answer with the bytes as they were pushed."""
        version = self.get_object()
        return package_response(request._request, version, may_redirect=True)  # noqa: SLF001 Django's own request

    def destroy_many(self, request: Request, **ids: Any) -> Response:
        """Delete the named versions; unknown ones are skipped, all or none of the others go."""
        wanted = self.query.texts("ids")
        if len(wanted) > _MOST_BULK:
            raise Invalid(f"At most {_MOST_BULK} packages can be deleted at once.")
        rows = [row for text in wanted if (row := self.find(self.get_queryset(), text))]
        for row in rows:
            self.require_on(row, Permission.BuiltInFeedAdminister)
        for row in rows:
            self.destroy_row(row)
        return Response({})

    def notes(self, request: Request, **ids: Any) -> Response:
        """Answer with the release notes of the named versions."""
        wanted = self.query.texts("packageIds")[:_MOST_BULK]
        found = [(text, self.find(self.get_queryset(), text)) for text in wanted]
        return Response({"Packages": [_note(text, row) for text, row in found]})

    def delta_signature(self, request: Request, **ids: Any) -> Response:
        """Answer with the signature of the version before this one; 404 without one."""
        signature, version = delta_signature(
            actor=self.actor,
            space=self.space,
            package_id=self.kwargs["package_id"],
            version=self.kwargs["version"],
        )
        text = base64.b64encode(signature).decode()
        return Response({"Signature": text, "BaseVersion": version})

    def upload_delta(self, request: Request, **ids: Any) -> Response:
        """Make the new file from the version of the path and the delta of the request."""
        mode = self._overwrite_mode()
        with received_file(request._request, what="delta") as received:  # noqa: SLF001 before any parser
            stored = store_delta(
                actor=self.actor,
                space=self.space,
                package_id=self.kwargs["package_id"],
                base_version=self.kwargs["version"],
                delta=received.upload,
                file_name=_full_name(received.name),
                overwrite_mode=mode,
            )
        return self._stored(stored)

    def _overwrite_mode(self) -> OverwriteMode:
        named = self.query.text("overwriteMode")
        return OverwriteMode.parse(named or self.query.text("replace"))

    def _stored(self, stored: Stored) -> Response:
        return self.answer(stored.version, 200 if stored.outcome is Outcome.IGNORED else 201)


def meant_by(package_id: str, version: str) -> tuple[str, str] | None:
    """Return what the sender says that the file is; raises Invalid for half of it."""
    if bool(package_id) != bool(version):
        raise Invalid("packageId and version go together.")
    return (package_id, version) if package_id else None


def storage_answer(error: Exception) -> Response | None:
    """Return the answer for what receiving and storing files raises; None for anything else."""
    if isinstance(error, TooLarge):
        return Response({"ErrorMessage": error.message, "Errors": [error.message]}, status=413)
    if isinstance(error, WrongBase):
        return Response({"ErrorMessage": error.message, "Errors": [error.message]}, status=422)
    if isinstance(error, AmbiguousName):
        reading = {"PackageId": error.package_id, "Version": error.version}
        said = {"ErrorMessage": error.message, "Errors": [error.message], **reading}
        return Response(said, status=400)
    if isinstance(error, StorageFailed):
        return Response({"ErrorMessage": str(error)}, status=503)
    if isinstance(error, BlobMissing):
        told = "The file of this package is missing in the storage."
        return Response({"ErrorMessage": told}, status=404)
    return None


def _full_name(name: str | None) -> str:
    """Return the name; a part without one of its own can only be a NuGet package."""
    return name or "package.nupkg"


def _note(text: str, row: PackageVersion | None) -> dict[str, Any]:
    if row is None:
        return {
            "PackageId": text,
            "Notes": {"Succeeded": False, "Notes": None, "FailureReason": "No such package."},
        }
    return {
        "PackageId": row.package_id,
        "Version": row.version,
        "FeedId": "feeds-builtin",
        "Notes": {
            "Succeeded": True,
            "Notes": row.metadata.get("release_notes"),
            "FailureReason": None,
        },
    }
