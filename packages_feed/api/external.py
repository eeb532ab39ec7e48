"""Packages of external feeds on the wire: what the feed says now, or said a few minutes ago."""

from typing import Any, Final

from agent.versions import (
    InvalidTagPattern,
    InvalidVersionRange,
    Scheme,
    Version,
    Versions,
    matches_rule,
    read_filter,
    read_range,
)
from deployments.base.api.query import Query
from deployments.base.errors import Invalid
from packages_feed.models import Feed, FeedListing
from packages_feed.queries.catalogue import catalogue
from packages_feed.services.asking import refresh, source_of
from packages_feed.sources import NotThere, SourceFailed

_MOST_HITS: Final = 200


def external_versions(feed: Feed, package_id: str, query: Query) -> list[dict[str, Any]]:
    """Return the versions of a package that the query admits, newest first.

    Raises SourceFailed when nothing is known of it, because the feed does not answer.
    """
    refresh([(feed, package_id)])
    found = catalogue(feed, package_id)
    if found.problem and found.told is None:
        raise SourceFailed(found.problem)
    published = _published(feed, package_id)
    return [
        {
            "Id": f"packages-{package_id}.{version.original}",
            "PackageId": package_id,
            "NuGetPackageId": package_id,
            "FeedId": feed.public_id,
            "NuGetFeedId": feed.public_id,
            "Title": package_id,
            "Version": version.original,
            "Published": published.get(version.original) or None,
            "ReleaseNotes": None,
            "SizeBytes": 0,
            "Links": {},
        }
        for version in found.versions
        if _is_wanted(version, query)
    ]


def external_hits(feed: Feed, term: str, take: int) -> list[dict[str, Any]]:
    """Return packages that the feed's own search finds; raises SourceFailed."""
    hits = source_of(feed).search(term[:_MOST_HITS], min(take, _MOST_HITS)) if term else []
    return [
        {
            "Id": hit.package_id,
            "Name": hit.package_id,
            "Description": hit.description or None,
            "LatestVersion": None,
            "Links": {},
        }
        for hit in hits
    ]


def external_notes(feed: Feed, package_id: str, version: str) -> str:
    """Return the notes of one version; empty when the feed has none. Raises SourceFailed."""
    try:
        return source_of(feed).notes(package_id, version)
    except NotThere:
        return ""


def _published(feed: Feed, package_id: str) -> dict[str, str]:
    row = FeedListing.objects.filter(feed=feed, id_lower=package_id.lower()).first()
    return dict(row.versions) if row is not None else {}


def _range(text: str, scheme: Scheme) -> Versions:
    return read_filter(text) if scheme is Scheme.SEMVER else read_range(text, scheme)


def _is_wanted(version: Version, query: Query) -> bool:
    if query.flag("includePreRelease", default=True) is False and version.is_prerelease:
        return False
    text = query.text("versionRange").strip()
    try:
        return matches_rule(
            version, _range(text, version.scheme) if text else None, query.text("preReleaseTag")
        )
    except (InvalidVersionRange, InvalidTagPattern) as error:
        raise Invalid(str(error)) from error
