"""V3: search and autocomplete."""

from functools import cache
from typing import Any

from django.db.models import F, QuerySet
from django.http.response import HttpResponseBase

from deployments.access.permissions import Permission
from deployments.base.models import Space
from deployments.base.postgres.lookups import TextsIn
from deployments.base.rows import PreparedQuery
from packages_feed.models import Latest, PackageVersion
from packages_feed.nuget.base import FeedRequest, feed_view
from packages_feed.nuget.rows import (
    accepts_semver2,
    full_number,
    full_text,
    normalized_text,
    readable_rows,
)
from packages_feed.nuget.urls_of import registration_url
from packages_feed.nuget.v3_index import answer
from packages_feed.nuget.v3_registrations import described
from packages_feed.queries import Wanted, page_of_hits, versions_in_order

_MOST_TAKE = 1000
_TAKE = 20


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def search(feed: FeedRequest) -> HttpResponseBase:
    """Answer with one entry for each package that matches `q`."""
    page, total = _page(feed)
    versions = _versions_by_id(feed, [row.id_lower for row in page])
    data = [_entry(feed, row, versions[row.id_lower]) for row in page]
    return answer({"totalHits": total, "data": data})


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def autocomplete(feed: FeedRequest) -> HttpResponseBase:
    """Answer with ids that match `q`, or the versions of `id`."""
    if package_id := feed.text("id"):
        found = _numbers(feed, [package_id.lower()])
        return answer({"data": [normalized_text(*texts) for _, *texts in found]})
    page, total = _page(feed)
    return answer({"totalHits": total, "data": [row.package_id for row in page]})


def _takes_semver2(feed: FeedRequest) -> bool:
    return accepts_semver2(feed.text("semVerLevel"))


def _takes_prereleases(feed: FeedRequest) -> bool:
    return bool(feed.query.flag("prerelease", default=False))


def _page(feed: FeedRequest) -> tuple[list[PackageVersion], int]:
    """Return a page of the latest versions that match `q`, and how many match."""
    kind = Latest.of_nuget(prerelease=_takes_prereleases(feed), semver2=_takes_semver2(feed))
    keys, total = page_of_hits(
        feed.space,
        Wanted(kind, feed.text("q"), feed.text("packageType")),
        skip=feed.query.number("skip", 0),
        take=min(feed.query.number("take", _TAKE), _MOST_TAKE),
    )
    return versions_in_order(feed.space, keys), total


def _versions_by_id(feed: FeedRequest, ids: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Return number as addresses have it, and with its metadata, of the versions of each id."""
    found: dict[str, list[tuple[str, str]]] = {id_lower: [] for id_lower in ids}
    for id_lower, *texts in _numbers(feed, ids) if ids else ():
        found[id_lower].append((normalized_text(*texts).lower(), full_text(*texts)))
    return found


def _numbers(feed: FeedRequest, ids: list[str]) -> list[tuple[str, str, str]]:
    """Return id, number as pushed and as its key, of what the client sees of packages."""
    prepared = _visible(prerelease=_takes_prereleases(feed), semver2=_takes_semver2(feed))
    return prepared.all(feed.space.pk, ids)


@cache
def _visible(*, prerelease: bool, semver2: bool) -> PreparedQuery[tuple[str, str, str]]:
    """Return the query for these of the versions that such a client sees, oldest first."""

    def make(number: int, ids: list[str]) -> "QuerySet[PackageVersion, tuple[str, str, str]]":
        rows = readable_rows(Space(pk=number), semver2=semver2).filter(listed=True)
        if not prerelease:
            rows = rows.filter(is_prerelease=False)
        rows = rows.filter(TextsIn(F("id_lower"), ids)).order_by("version_key", "published")
        return rows.values_list("id_lower", "version", "version_lower")

    return PreparedQuery(make, int, list[str])


def _entry(
    feed: FeedRequest, row: PackageVersion, versions: list[tuple[str, str]]
) -> dict[str, Any]:
    base = f"{feed.base}/v3/registrations/{row.id_lower}"
    kinds = [name for name in row.package_types.split(",") if name]
    return {
        "@id": registration_url(feed, row.package_id),
        "@type": "Package",
        "registration": registration_url(feed, row.package_id),
        "id": row.package_id,
        "version": full_number(row),
        **described(feed, row),
        "totalDownloads": 0,
        "verified": False,
        "packageTypes": [{"name": _KINDS.get(kind, kind)} for kind in kinds],
        "versions": [
            {
                "@id": f"{base}/{number}.json",
                "version": full,
                "downloads": 0,
            }
            for number, full in versions
        ],
    }


_KINDS = {"dependency": "Dependency", "dotnettool": "DotnetTool", "template": "Template"}
