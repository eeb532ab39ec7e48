"""V3: search and autocomplete."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.http.response import HttpResponseBase

from deployments.access.permissions import Permission
from packages_feed.models import PackageVersion
from packages_feed.nuget.base import FeedRequest, feed_view
from packages_feed.nuget.rows import accepts_semver2, full_number, normalized, readable_rows
from packages_feed.nuget.urls_of import registration_url
from packages_feed.nuget.v3_index import answer
from packages_feed.nuget.v3_registrations import described
from packages_feed.queries import newest_of_each, ranked, with_words

if TYPE_CHECKING:
    from packages_feed.nuget.rows import Rows

_MOST_TAKE = 1000
_TAKE = 20


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def search(feed: FeedRequest) -> HttpResponseBase:
    """Answer with one entry for each package that matches `q`."""
    visible = _visible(feed)
    hits = _hits(visible, feed.text("q"))
    page = _page(feed, hits)
    numbers = _versions_by_id(visible, page)
    data = [_entry(feed, row, numbers[row.id_lower]) for row in page]
    return answer({"totalHits": hits.count(), "data": data})


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def autocomplete(feed: FeedRequest) -> HttpResponseBase:
    """Answer with ids that match `q`, or the versions of `id`."""
    visible = _visible(feed)
    if package_id := feed.text("id"):
        rows = visible.filter(id_lower=package_id.lower()).order_by("version_key")
        return answer({"data": [normalized(row) for row in rows]})
    hits = _hits(visible, feed.text("q"))
    ids = [row.package_id for row in _page(feed, hits)]
    return answer({"totalHits": hits.count(), "data": ids})


def _visible(feed: FeedRequest) -> "Rows":
    rows = readable_rows(feed.space, semver2=accepts_semver2(feed.text("semVerLevel")))
    rows = rows.filter(listed=True)
    if not feed.query.flag("prerelease", default=False):
        rows = rows.filter(is_prerelease=False)
    if kind := feed.text("packageType").lower():
        rows = rows.filter(package_types__contains=f",{kind},")
    return rows


def _hits(visible: "Rows", text: str) -> "Rows":
    return ranked(with_words(newest_of_each(visible, visible), text), text)


def _page(feed: FeedRequest, hits: "Rows") -> list[PackageVersion]:
    skip = feed.query.number("skip", 0)
    take = min(feed.query.number("take", _TAKE), _MOST_TAKE)
    return list(hits[skip : skip + take])


def _versions_by_id(
    visible: "Rows", page: Iterable[PackageVersion]
) -> dict[str, list[PackageVersion]]:
    ids = [row.id_lower for row in page]
    found: dict[str, list[PackageVersion]] = {name: [] for name in ids}
    for row in visible.filter(id_lower__in=ids).order_by("version_key", "published"):
        found[row.id_lower].append(row)
    return found


def _entry(
    feed: FeedRequest, row: PackageVersion, versions: list[PackageVersion]
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
                "@id": f"{base}/{normalized(each).lower()}.json",
                "version": full_number(each),
                "downloads": 0,
            }
            for each in versions
        ],
    }


_KINDS = {"dependency": "Dependency", "dotnettool": "DotnetTool", "template": "Template"}
