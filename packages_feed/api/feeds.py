"""Feeds, and the packages in them."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from agent.versions import InvalidTagPattern, InvalidVersionRange
from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api import paging
from deployments.base.api.query import Query
from deployments.base.errors import Invalid, NotFound
from packages_feed.api.external import external_hits, external_notes, external_versions
from packages_feed.api.serializers import FeedSerializer, package_resource, version_resource
from packages_feed.models import Feed, Latest, PackageVersion
from packages_feed.queries import (
    find_feed,
    find_version,
    latest_with_words,
    newest_versions,
    package_ids,
    words_of,
)
from packages_feed.services import change_built_in_feed
from packages_feed.services.external_feeds import (
    FeedValues,
    change_feed,
    create_feed,
    delete_feed,
)

_TAKE = 30
_MOST_HITS = 200


class FeedViewSet(SpaceViewSet[Feed]):
    """The built-in feed of the space, and external feeds."""

    model = Feed
    serializer_class = FeedSerializer
    item_type = "Feed"
    path = "feeds"
    query_names: ClassVar = ("skip", "take", "ids", "partialName", "feedType", "name")
    permission_map: ClassVar = {
        "list": Permission.FeedView,
        "all": Permission.FeedView,
        "retrieve": Permission.FeedView,
        "stats": Permission.FeedView,
        "packages": Permission.FeedView,
        "search": Permission.FeedView,
        "versions": Permission.FeedView,
        "notes": Permission.FeedView,
        "create": Permission.FeedEdit,
        "update": Permission.FeedEdit,
        "destroy": Permission.FeedEdit,
    }

    def get_queryset(self) -> "QuerySet[Feed]":
        return super().get_queryset().select_related("space")

    def find(self, rows: "QuerySet[Feed]", text: str) -> Feed | None:
        feed = find_feed(self.space, text)
        return rows.filter(pk=feed.pk).first() if feed is not None else None

    def numbers(self, ids: list[str]) -> list[int]:
        found = (find_feed(self.space, text) for text in ids)
        return [feed.pk for feed in found if feed is not None]

    def filtered(self, rows: "QuerySet[Feed]", query: Query) -> "QuerySet[Feed]":
        if kinds := query.texts("feedType"):
            rows = rows.filter(feed_type__in=kinds)
        return super().filtered(rows, query)

    def create_row(self, data: dict[str, Any]) -> Feed:
        return create_feed(
            actor=self.actor,
            space=self.space,
            feed_type=data["feed_type"][:50],
            values=_values(data),
        )

    def update_row(self, row: Feed, data: dict[str, Any]) -> Feed:
        if data["feed_type"] != row.feed_type:
            raise Invalid(fields={"FeedType": ["The type of a feed cannot be changed."]})
        if not row.is_built_in:
            return change_feed(actor=self.actor, feed=row, values=_values(data))
        return change_built_in_feed(
            actor=self.actor,
            feed=row,
            name=data["name"],
            unused_days=data.get("unused_days", row.unused_days),
        )

    def destroy_row(self, row: Feed) -> None:
        delete_feed(actor=self.actor, feed=row)

    def stats(self, request: Request, **ids: Any) -> Response:
        """Count the packages of the space."""
        rows = PackageVersion.objects.in_space(self.space)
        packages = rows.order_by().values("id_lower").distinct().count()
        return Response({"TotalPackages": rows.count(), "DistinctPackages": packages})

    def packages(self, request: Request, **ids: Any) -> Response:
        """Answer with a bare list: versions of one package, or packages that match."""
        feed = self.get_object()
        feed_id = feed.public_id
        take = min(self.query.number("take", _TAKE), paging.ALL)
        package_id = self.query.text("packageId")
        if not feed.is_built_in:
            return Response(self._external_packages(feed, package_id, take))
        if package_id and not self.query.flag("partialMatch"):
            several = bool(self.query.flag("includeMultipleVersions"))
            rows = self._matching(package_id, limit=take if several else min(take, 1))
        else:
            rows = list(package_ids(self.space, package_id)[:take])
        notes = bool(self.query.flag("includeNotes"))
        return Response([package_resource(row, feed_id, with_notes=notes) for row in rows])

    def search(self, request: Request, **ids: Any) -> Response:
        """Answer with a page of packages that have every word of the term."""
        feed = self.get_object()
        term = self.query.text("term")
        if not feed.is_built_in:
            found = paging.cut(external_hits(feed, term, _MOST_HITS), self.query)
            names = ("term", "skip", "take")
            return self._page(found, found.rows, "PackageDescription", "search", names)
        words = words_of(term)
        hits = latest_with_words(self.space, Latest.OF_ALL, words).select_related("version")
        page = paging.cut(hits, self.query)
        items = [
            {
                "Id": row.package_id,
                "Name": row.title or row.package_id,
                "Description": row.description or None,
                "LatestVersion": row.version,
                "Links": {},
            }
            for row in (hit.version for hit in page.rows)
        ]
        return self._page(page, items, "PackageDescription", "search", ("term", "skip", "take"))

    def versions(self, request: Request, **ids: Any) -> Response:
        """Answer with a page of the versions of one package, newest first."""
        feed = self.get_object()
        feed_id = feed.public_id
        package_id = self.query.text("packageId")
        if not package_id:
            raise Invalid("The query parameter packageId is required.")
        names = ("packageId", "take", "skip", "filter", "preReleaseTag", "versionRange")
        if not feed.is_built_in:
            wanted = self.query.text("filter").lower()
            known = external_versions(feed, package_id, self.query)
            shown = [each for each in known if wanted in each["Version"].lower()]
            cut = paging.cut(shown, self.query)
            return self._page(cut, cut.rows, "PackageVersion", "versions", names)
        rows = self._matching(package_id)
        if text := self.query.text("filter").lower():
            rows = [row for row in rows if text in row.version.lower()]
        page = paging.cut(rows, self.query)
        notes = bool(self.query.flag("includeReleaseNotes"))
        items = [version_resource(row, feed_id, with_notes=notes) for row in page.rows]
        return self._page(page, items, "PackageVersion", "versions", names)

    def notes(self, request: Request, **ids: Any) -> Response:
        """Answer with the release notes of one version."""
        feed = self.get_object()
        if not feed.is_built_in:
            package_id, version = self.query.text("packageId"), self.query.text("version")
            return Response({"Notes": external_notes(feed, package_id, version)})
        row = find_version(self.space, self.query.text("packageId"), self.query.text("version"))
        if row is None:
            raise NotFound
        return Response({"Notes": row.metadata.get("release_notes")})

    def _external_packages(self, feed: Feed, package_id: str, take: int) -> list[dict[str, Any]]:
        if package_id and not self.query.flag("partialMatch"):
            several = bool(self.query.flag("includeMultipleVersions"))
            return external_versions(feed, package_id, self.query)[: take if several else 1]
        hits = external_hits(feed, package_id, take)
        return [{**hit, "PackageId": hit["Id"], "FeedId": feed.public_id} for hit in hits]

    def _matching(self, package_id: str, limit: int | None = None) -> list[PackageVersion]:
        try:
            return newest_versions(
                self.space,
                package_id,
                version_range=self.query.text("versionRange"),
                tag=self.query.text("preReleaseTag"),
                include_prerelease=self.query.flag("includePreRelease", default=True) is not False,
                limit=limit,
            )
        except (InvalidVersionRange, InvalidTagPattern) as error:
            raise Invalid(str(error)) from error

    def _page(
        self,
        page: paging.Page,
        items: Sequence[dict[str, Any]],
        item_type: str,
        name: str,
        names: tuple[str, ...],
    ) -> Response:
        own = f"{self.base_path()}/{self.kwargs['id']}/packages/{name}"
        return Response(
            paging.envelope(
                page, items, item_type=item_type, path=own, query=self.query, names=names
            )
        )


def _values(data: dict[str, Any]) -> FeedValues:
    password = data["sealed_password"]
    return FeedValues(
        name=data["name"],
        uri=data["uri"],
        username=data["username"] or data["access_key"],
        password=password if password is not None else data["secret_key"],
        settings=data["settings"],
    )
