"""V2: the OData feed of older clients."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from deployments.access.permissions import Permission
from deployments.access.rules import ANONYMOUS, SIGNED_IN
from deployments.base.errors import NotFound
from deployments.base.models import Space
from deployments.base.rows import PreparedQuery
from packages_feed.models import Latest, PackageVersion
from packages_feed.nuget.base import FeedRequest, feed_view
from packages_feed.nuget.rows import accepts_semver2, readable_rows, served_version
from packages_feed.nuget.v2_documents import METADATA, SERVICE
from packages_feed.nuget.v2_filter import parse_filter
from packages_feed.nuget.v2_updates import updates
from packages_feed.nuget.v2_xml import EntryWriter
from packages_feed.queries import (
    Wanted,
    latest_keys,
    latest_versions,
    page_of_hits,
    versions_in_order,
    with_words,
    words_of,
)
from packages_feed.services.permissions import require_for_package

if TYPE_CHECKING:
    from packages_feed.nuget.rows import Rows

PAGE = 100
_KEY = re.compile(r"\s*Id\s*=\s*'([^']*)'\s*,\s*Version\s*=\s*'([^']*)'\s*\Z", re.IGNORECASE)
_ORDERS = {
    "id": "id_lower",
    "version": "version_key",
    "title": "title",
    "published": "published",
    "created": "published",
    "lastupdated": "published",
}


@feed_view(SIGNED_IN, "GET", "HEAD")
def service_document(feed: FeedRequest) -> HttpResponseBase:
    """Name the one collection.

    It asks for credentials because nuget 2.8 sends them only where this document asked for them.
    """
    return _xml(SERVICE.format(base=feed.base), "application/xml")


@feed_view(ANONYMOUS, "GET", "HEAD")
def metadata_document(feed: FeedRequest) -> HttpResponseBase:
    """Describe the properties and functions."""
    return _xml(METADATA, "application/xml")


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def single(feed: FeedRequest, key: str) -> HttpResponseBase:
    """Answer with the package of `Packages(Id='…',Version='…')`."""
    match = _KEY.match(key)
    row = served_version(feed.space, match[1], match[2]) if match else None
    if row is None:
        raise NotFound("There is no such package")
    require_for_package(feed.actor, feed.space, Permission.BuiltInFeedDownload, row.package_id)
    text = _writer(feed, [row], semver2=True).single(row)
    return _xml(text, "application/atom+xml; type=entry; charset=utf-8")


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def packages(feed: FeedRequest, count: str = "") -> HttpResponseBase:
    """Answer with the listed versions."""
    return _collection(feed, "Packages", _readable(feed).filter(listed=True), count)


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def find_by_id(feed: FeedRequest, count: str = "") -> HttpResponseBase:
    """Answer with all versions of one package, unlisted ones too."""
    id_lower = literal(feed, "id").lower()

    def rows() -> "Rows":
        return _readable(feed).filter(id_lower=id_lower)

    def some(skip: int, take: int) -> list[PackageVersion]:
        prepared = _versions(semver2=_takes_semver2(feed))
        return prepared.all(feed.space.pk, id_lower, skip=skip, take=take)

    if feed.text("$filter") or feed.text("$orderby"):
        return _collection(feed, "FindPackagesById", rows(), count)
    return _answer(feed, "FindPackagesById", _Found(some, lambda: rows().count()), count)


@cache
def _versions(*, semver2: bool) -> PreparedQuery[PackageVersion]:
    """Return the query for the versions of a package that such a client reads, oldest first."""

    def make(number: int, id_lower: str) -> "Rows":
        rows = readable_rows(Space(pk=number), semver2=semver2).filter(id_lower=id_lower)
        return _ordered(rows, "").select_related(None)

    return PreparedQuery(make, int, str)


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def search(feed: FeedRequest, count: str = "") -> HttpResponseBase:
    """Answer with the listed versions of packages whose latest has every word of `searchTerm`."""
    text, prerelease = literal(feed, "searchTerm"), _takes_prereleases(feed)
    kind = Latest.of_nuget(prerelease=prerelease, semver2=_takes_semver2(feed))
    if _asks_for_latest(feed, prerelease=prerelease):
        return _answer(feed, "Search", _latest_by_id(feed, kind, text), count)
    words = words_of(text)
    rows = _readable(feed).filter(listed=True)
    if not prerelease:
        rows = rows.filter(is_prerelease=False)
    if words:
        found = with_words(latest_versions(feed.space, kind), words)
        rows = rows.filter(id_lower__in=found.values("id_lower"))
    return _collection(feed, "Search", rows, count, words)


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def get_updates(feed: FeedRequest, count: str = "") -> HttpResponseBase:
    """Answer with what is newer than the versions that the client has."""
    chosen = updates(
        _readable(feed).filter(listed=True),
        ids=literal(feed, "packageIds").split("|"),
        versions=literal(feed, "versions").replace(" ", "+").split("|"),
        constraints=literal(feed, "versionConstraints").split("|"),
        prerelease=_takes_prereleases(feed),
        every=literal(feed, "includeAllVersions").lower() == "true",
    )
    return _collection(feed, "GetUpdates", chosen, count)


def literal(feed: FeedRequest, name: str) -> str:
    """Return a parameter without the quotes around it."""
    text = feed.text(name)
    if len(text) > 1 and text[0] == text[-1] == "'":
        text = text[1:-1].replace("''", "'")
    return text


def _readable(feed: FeedRequest) -> "Rows":
    return readable_rows(feed.space, semver2=_takes_semver2(feed))


def _takes_prereleases(feed: FeedRequest) -> bool:
    return literal(feed, "includePrerelease").lower() == "true"


def _takes_semver2(feed: FeedRequest) -> bool:
    return accepts_semver2(literal(feed, "semVerLevel"))


@dataclass(frozen=True)
class _Found:
    """What there is to answer with: some of it, from a place and at most so many, or its number."""

    some: Callable[[int, int], list[PackageVersion]]
    total: Callable[[], int]


def _asks_for_latest(feed: FeedRequest, *, prerelease: bool) -> bool:
    """Tell whether a search is for the latest version of each package by id, as a list is."""
    flag = "isabsolutelatestversion" if prerelease else "islatestversion"
    return feed.text("$filter").lower() == flag and feed.text("$orderby").lower() in {"", "id"}


def _latest_by_id(feed: FeedRequest, kind: Latest, text: str) -> _Found:
    wanted = Wanted(kind, text, by_id=True)

    def some(skip: int, take: int) -> list[PackageVersion]:
        keys, _ = page_of_hits(feed.space, wanted, skip=skip, take=take)
        return versions_in_order(feed.space, keys)

    return _Found(some, lambda: page_of_hits(feed.space, wanted, skip=0, take=0)[1])


def _collection(
    feed: FeedRequest, name: str, rows: "Rows", count: str, words: Sequence[str] = ()
) -> HttpResponseBase:
    """Filter and order rows of packages that have all the words, and answer with them."""
    if text := feed.text("$filter"):
        rows = rows.filter(parse_filter(text, lambda flag: _flag(feed, flag, words)))
    ordered = _ordered(rows, feed.text("$orderby")).select_related(None)
    found = _Found(lambda skip, take: list(ordered[skip : skip + take]), rows.count)
    return _answer(feed, name, found, count)


def _answer(feed: FeedRequest, name: str, found: _Found, count: str) -> HttpResponseBase:
    """Answer with a page of what was found, or its number."""
    skip = feed.query.number("$skip", 0)
    top: int | None = feed.query.number("$top", 0) if feed.text("$top") else None
    if count:
        total = max(0, found.total() - skip)
        shown = total if top is None else min(total, top)
        return HttpResponse(str(shown), "text/plain")
    size = min(PAGE, PAGE if top is None else top)
    rows = found.some(skip, size + 1)
    has_more = len(rows) > size and (top is None or top > size)
    following = _following(feed, skip + size, None if top is None else top - size)
    page = rows[:size]
    counted = found.total() if feed.text("$inlinecount").lower() == "allpages" else None
    writer = _writer(feed, page, semver2=_takes_semver2(feed))
    text = writer.collection(name, page, count=counted, following=following if has_more else "")
    return _xml(text, "application/atom+xml; type=feed; charset=utf-8")


def _flag(feed: FeedRequest, name: str, words: Sequence[str]) -> Q:
    if name == "isprerelease":
        return Q(is_prerelease=True)
    if name == "listed":
        return Q(listed=True)
    kind = Latest.of_nuget(prerelease=name != "islatestversion", semver2=_takes_semver2(feed))
    # Their packages have the words anyway; there are fewer to look through so.
    latest = with_words(latest_versions(feed.space, kind), words)
    return Q(pk__in=latest.values("version"))


def _ordered(rows: "Rows", text: str) -> "Rows":
    orders = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if column := _ORDERS.get(name.lower()):
            orders.append(f"-{column}" if direction.strip().lower() == "desc" else column)
    named = {order.lstrip("-") for order in orders}
    ties = [column for column in ("id_lower", "version_key") if column not in named]
    return rows.order_by(*orders, *ties, "pk")


def _writer(feed: FeedRequest, rows: Iterable[PackageVersion], *, semver2: bool) -> EntryWriter:
    stable = Latest.of_nuget(prerelease=False, semver2=semver2)
    absolute = Latest.of_nuget(prerelease=True, semver2=semver2)
    keys = latest_keys(feed.space, (stable, absolute), {row.id_lower for row in rows})
    return EntryWriter(feed, stable=keys[stable], absolute=keys[absolute])


def _following(feed: FeedRequest, skip: int, top: int | None) -> str:
    kept = [
        (name, text)
        for name, texts in feed.http.GET.lists()
        for text in texts
        if name.lower() not in {"$skip", "$top", "apikey"}
    ]
    paged = [("$skip", str(skip)), *([("$top", str(top))] if top is not None else [])]
    path = feed.http.path.rpartition("/")[2]
    return f"{feed.base}/{path}?{urlencode([*kept, *paged], safe='$')}"


def _xml(text: str, content_type: str) -> HttpResponse:
    response = HttpResponse(text, content_type)
    response.headers["DataServiceVersion"] = "2.0;"
    response.headers["Cache-Control"] = "no-cache"
    return response
