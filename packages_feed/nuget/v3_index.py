"""V3: the service index and the files of packages."""

import zlib
from typing import Any
from zipfile import BadZipFile, ZipFile

import orjson
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from deployments.access.permissions import Permission
from deployments.access.rules import ANONYMOUS
from deployments.base.errors import NotFound
from packages_feed.api.sending import package_response
from packages_feed.ingest import current_limits
from packages_feed.models import PackageVersion
from packages_feed.nuget.base import FeedRequest, feed_view
from packages_feed.nuget.rows import normalized, numbers_to_serve, served_version
from packages_feed.services.permissions import require_for_package
from packages_feed.storage.reader import SeekableBlob
from packages_feed.web.embedded import icon_response, text_response

_REGISTRATIONS = ("", "/3.0.0-beta", "/3.0.0-rc", "/3.4.0", "/3.6.0")
_QUERIES = ("", "/3.0.0-beta", "/3.0.0-rc", "/3.5.0")


@feed_view(ANONYMOUS, "GET", "HEAD")
def service_index(feed: FeedRequest) -> HttpResponseBase:
    """Name the resources of the feed; symbols and the like are left out on purpose."""
    v3 = f"{feed.base}/v3"
    resources: list[dict[str, str]] = [
        {"@id": f"{v3}/package", "@type": "PackagePublish/2.0.0"},
        {"@id": f"{v3}/flat/", "@type": "PackageBaseAddress/3.0.0"},
        *_aliases(f"{v3}/registrations/", "RegistrationsBaseUrl", _REGISTRATIONS),
        {
            "@id": f"{v3}/registrations/",
            "@type": "RegistrationsBaseUrl/Versioned",
            "clientVersion": "4.3.0-alpha",
        },
        *_aliases(f"{v3}/query", "SearchQueryService", _QUERIES),
        *_aliases(f"{v3}/autocomplete", "SearchAutocompleteService", _QUERIES),
        {
            "@id": f"{v3}/flat/{{lower_id}}/{{lower_version}}/readme",
            "@type": "ReadmeUriTemplate/6.13.0",
        },
        {"@id": feed.base, "@type": "LegacyGallery/2.0.0"},
    ]
    return answer({"version": "3.0.0", "resources": resources})


def _aliases(address: str, name: str, versions: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"@id": address, "@type": f"{name}{version}"} for version in versions]


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def flat_index(feed: FeedRequest, package_id: str) -> HttpResponseBase:
    """List every version, unlisted ones too: they stay installable."""
    numbers = numbers_to_serve(feed.space, package_id)
    if not numbers:
        raise NotFound("There is no such package")
    require_for_package(feed.actor, feed.space, Permission.BuiltInFeedDownload, package_id)
    return answer({"versions": [number.normalized.lower() for number in numbers]})


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def flat_package(feed: FeedRequest, package_id: str, version: str, file: str) -> HttpResponseBase:
    """Answer with the package."""
    row = wanted(feed, package_id, version)
    if file.lower() not in {f"{name}.nupkg" for name in _names(row, version)}:
        raise NotFound("There is no such file")
    return package_response(feed.http, row, may_redirect=True)


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def flat_nuspec(feed: FeedRequest, package_id: str, version: str, file: str) -> HttpResponseBase:
    """Answer with the manifest as it is in the package."""
    row = wanted(feed, package_id, version)
    if file.lower() != f"{row.id_lower}.nuspec":
        raise NotFound("There is no such file")
    return HttpResponse(_manifest(row), content_type="application/xml")


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def flat_part(feed: FeedRequest, package_id: str, version: str, part: str) -> HttpResponseBase:
    """Answer with the icon, readme or licence that is in the package."""
    row = wanted(feed, package_id, version)
    if part.lower() == "icon":
        return icon_response(row)
    return text_response(row, "license_file" if part.lower() == "license" else "readme")


@feed_view(Permission.BuiltInFeedDownload, "GET", "HEAD")
def download(feed: FeedRequest, package_id: str, version: str) -> HttpResponseBase:
    """Answer with the package, for V2 clients."""
    return package_response(feed.http, wanted(feed, package_id, version), may_redirect=True)


def wanted(feed: FeedRequest, package_id: str, version: str) -> PackageVersion:
    """Return the version of the address, if the actor may download it; raises NotFound."""
    row = served_version(feed.space, package_id, version)
    if row is None:
        raise NotFound("There is no such package")
    require_for_package(feed.actor, feed.space, Permission.BuiltInFeedDownload, row.package_id)
    return row


def answer(content: dict[str, Any]) -> HttpResponse:
    """Return JSON that no cache may keep without asking."""
    response = HttpResponse(orjson.dumps(content), content_type="application/json")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _names(row: PackageVersion, version: str) -> set[str]:
    numbers = {version, normalized(row), row.version}
    return {f"{row.id_lower}.{number}".lower() for number in numbers}


def _manifest(row: PackageVersion) -> bytes:
    try:
        with ZipFile(SeekableBlob(row.blob_id, row.size)) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".nuspec")]
            name = next(name for name in names if "/" not in name.replace("\\", "/"))
            with archive.open(name) as entry:
                return entry.read(current_limits().nuspec)
    except (BadZipFile, StopIteration, zlib.error) as error:
        raise NotFound("There is no such file") from error
