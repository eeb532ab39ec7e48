"""V3: search and autocomplete."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Window
from django.http.response import HttpResponseBase

from deployments.access.permissions import Permission
from packages_feed.models import Latest, LatestVersion, PackageVersion
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
from packages_feed.queries import latest_with_words

if TYPE_CHECKING:
    from deployments.base.querysets import SpaceQuerySet
    from packages_feed.nuget.rows import Rows

_MOST_TAKE = 1000
_TAKE = 20


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def search(feed: FeedRequest) -> HttpResponseBase:
    """Answer with one entry for each package that matches `q`."""
    page, total = _page(feed, _hits(feed))
    numbers = _versions_by_id(_visible(feed), page)
    data = [_entry(feed, row, numbers[row.id_lower]) for row in page]
    return answer({"totalHits": total, "data": data})


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def autocomplete(feed: FeedRequest) -> HttpResponseBase:
    """Answer with ids that match `q`, or the versions of `id`."""
    if package_id := feed.text("id"):
        rows = _visible(feed).filter(id_lower=package_id.lower()).order_by("version_key")
        pairs = rows.values_list("version", "version_lower")
        return answer({"data": [normalized_text(*pair) for pair in pairs]})
    page, total = _page(feed, _hits(feed))
    return answer({"totalHits": total, "data": [row.package_id for row in page]})


def _visible(feed: FeedRequest) -> "Rows":
    rows = readable_rows(feed.space, semver2=_takes_semver2(feed)).filter(listed=True)
    if not _takes_prereleases(feed):
        rows = rows.filter(is_prerelease=False)
    return rows


def _hits(feed: FeedRequest) -> "SpaceQuerySet[LatestVersion]":
    """Return the latest version of each package that has every word and is of the kind."""
    kind = Latest.of_nuget(prerelease=_takes_prereleases(feed), semver2=_takes_semver2(feed))
    hits = latest_with_words(feed.space, kind, feed.text("q"))
    if wanted := feed.text("packageType").lower():
        hits = hits.filter(version__package_types__contains=f",{wanted},")
    return hits


def _takes_semver2(feed: FeedRequest) -> bool:
    return accepts_semver2(feed.text("semVerLevel"))


def _takes_prereleases(feed: FeedRequest) -> bool:
    return bool(feed.query.flag("prerelease", default=False))


def _page(
    feed: FeedRequest, hits: "SpaceQuerySet[LatestVersion]"
) -> tuple[list[PackageVersion], int]:
    """Return a page of the hits, and how many there are; one look at all of them does for both."""
    skip = feed.query.number("skip", 0)
    take = min(feed.query.number("take", _TAKE), _MOST_TAKE)
    counted = hits.annotate(total=Window(Count("*"))).values_list("version", "total")
    found = list(counted[skip : skip + take])
    if not found:
        return [], hits.count() if skip or not take else 0
    rows = PackageVersion.objects.in_space(feed.space).order_by().in_bulk([key for key, _ in found])
    return [rows[key] for key, _ in found if key in rows], found[0][1]


def _versions_by_id(
    visible: "Rows", page: Iterable[PackageVersion]
) -> dict[str, list[tuple[str, str]]]:
    """Return number as addresses have it, and with its metadata, of the versions of each id."""
    found: dict[str, list[tuple[str, str]]] = {row.id_lower: [] for row in page}
    rows = visible.filter(id_lower__in=found).order_by("version_key", "published")
    for id_lower, *texts in rows.values_list("id_lower", "version", "version_lower"):
        found[id_lower].append((normalized_text(*texts).lower(), full_text(*texts)))
    return found


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
