"""V3: what is known of each version of a package."""

from collections.abc import Sequence
from typing import Any

from django.http.response import HttpResponseBase

from deployments.access.permissions import Permission
from deployments.base.errors import NotFound
from packages_feed.models import PackageVersion
from packages_feed.nuget.base import FeedRequest, feed_view
from packages_feed.nuget.rows import ServedNumber, full_number, normalized, numbers_to_serve
from packages_feed.nuget.urls_of import content_url, icon_url, registration_url, web_url
from packages_feed.nuget.v3_index import answer, wanted
from packages_feed.queries import versions_in_order
from packages_feed.services.permissions import require_for_package

MOST_INLINE = 128
PAGE = 64
UNLISTED = "1900-01-01T00:00:00+00:00"


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def index(feed: FeedRequest, package_id: str) -> HttpResponseBase:
    """Answer with all versions; of many, with the addresses of pages."""
    numbers = _numbers(feed, package_id)
    address = registration_url(feed, package_id)
    if len(numbers) <= MOST_INLINE:
        pages = [_page(numbers, f"{address}#page", _leaves(feed, numbers))]
    else:
        parts = [numbers[start : start + PAGE] for start in range(0, len(numbers), PAGE)]
        pages = [_page(part, _page_url(feed, package_id, part)) for part in parts]
    return answer({"@id": address, "count": len(pages), "items": pages})


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def page(feed: FeedRequest, package_id: str, lower: str, upper: str) -> HttpResponseBase:
    """Answer with one page of a package with many versions."""
    numbers = _numbers(feed, package_id)
    texts = [number.normalized.lower() for number in numbers]
    if lower.lower() not in texts or upper.lower() not in texts:
        raise NotFound("There is no such page")
    part = numbers[texts.index(lower.lower()) : texts.index(upper.lower()) + 1]
    if not part:
        raise NotFound("There is no such page")
    content = _page(part, _page_url(feed, package_id, part), _leaves(feed, part))
    return answer({**content, "parent": registration_url(feed, package_id)})


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def leaf(feed: FeedRequest, package_id: str, version: str) -> HttpResponseBase:
    """Answer with one version."""
    row = wanted(feed, package_id, version)
    return answer(
        {
            "@id": _leaf_url(feed, row),
            "catalogEntry": _leaf_url(feed, row),
            "listed": row.listed,
            "packageContent": content_url(feed, row),
            "published": _published(row),
            "registration": registration_url(feed, row.package_id),
        }
    )


def _numbers(feed: FeedRequest, package_id: str) -> list[ServedNumber]:
    numbers = numbers_to_serve(feed.space, package_id)
    if not numbers:
        raise NotFound("There is no such package")
    require_for_package(feed.actor, feed.space, Permission.BuiltInFeedDownload, package_id)
    return numbers


def _page(
    numbers: Sequence[ServedNumber], address: str, items: Sequence[Any] | None = None
) -> dict[str, Any]:
    content: dict[str, Any] = {
        "@id": address,
        "count": len(numbers),
        "lower": numbers[0].normalized,
        "upper": numbers[-1].normalized,
    }
    return content if items is None else {**content, "items": items}


def _leaves(feed: FeedRequest, numbers: Sequence[ServedNumber]) -> list[dict[str, Any]]:
    rows = versions_in_order(feed.space, (number.pk for number in numbers))
    return [_leaf(feed, row) for row in rows]


def _leaf(feed: FeedRequest, row: PackageVersion) -> dict[str, Any]:
    content = content_url(feed, row)
    return {
        "@id": _leaf_url(feed, row),
        "packageContent": content,
        "catalogEntry": {
            "@id": _leaf_url(feed, row),
            "id": row.package_id,
            "version": full_number(row),
            "listed": row.listed,
            "published": _published(row),
            "packageContent": content,
            **described(feed, row),
            "requireLicenseAcceptance": bool(row.metadata.get("require_license_acceptance")),
            "minClientVersion": row.metadata.get("min_client_version", ""),
            "dependencyGroups": [_group(feed, group) for group in groups_of(row)],
        },
    }


def described(feed: FeedRequest, row: PackageVersion) -> dict[str, Any]:
    """Return the descriptive properties that search and registrations share."""
    texts = row.metadata
    return {
        "title": row.title or row.package_id,
        "description": row.description,
        "summary": texts.get("summary", ""),
        "authors": texts.get("authors", ""),
        "tags": row.tags.split(),
        "iconUrl": icon_url(feed, row),
        "licenseUrl": web_url(texts.get("license_url", "")),
        "licenseExpression": texts.get("license_expression", ""),
        "projectUrl": web_url(texts.get("project_url", "")),
    }


def groups_of(row: PackageVersion) -> list[dict[str, Any]]:
    """Return the groups of dependencies (see ingest.nuspec)."""
    groups: list[dict[str, Any]] = row.metadata.get("dependency_groups", [])
    return groups


def _group(feed: FeedRequest, group: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if group["framework"]:
        content["targetFramework"] = group["framework"]
    if group["dependencies"]:
        content["dependencies"] = [
            {"id": package_id, "range": text, "registration": registration_url(feed, package_id)}
            for package_id, text in group["dependencies"]
        ]
    return content


def _published(row: PackageVersion) -> str:
    return row.published.isoformat() if row.listed else UNLISTED


def _leaf_url(feed: FeedRequest, row: PackageVersion) -> str:
    number = normalized(row).lower()
    return f"{feed.base}/v3/registrations/{row.id_lower}/{number}.json"


def _page_url(feed: FeedRequest, package_id: str, numbers: Sequence[ServedNumber]) -> str:
    lower, upper = (numbers[place].normalized.lower() for place in (0, -1))
    return f"{feed.base}/v3/registrations/{package_id.lower()}/page/{lower}/{upper}.json"
