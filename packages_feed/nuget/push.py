"""Push, delete and relist: the same views for every generation of clients."""

from urllib.parse import quote

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from deployments.access.permissions import Permission
from deployments.access.rules import ANONYMOUS
from deployments.base.api.links import space_path
from deployments.base.errors import NotFound
from deployments.base.settings_rows import get_setting
from packages_feed.api.receiving import received_file
from packages_feed.models import PackageVersion
from packages_feed.nuget.answers import WARNING_HEADER, one_line
from packages_feed.nuget.base import FeedRequest, feed_view
from packages_feed.nuget.rows import served_version
from packages_feed.services import (
    Outcome,
    OverwriteMode,
    delete_version,
    set_listed,
    store_package,
)
from packages_feed.storage import MOST_CONTENT

UNLIST_SETTING = "packages.nuget_delete_unlists"


@feed_view(Permission.BuiltInFeedPush, "PUT", "POST")
def push(feed: FeedRequest) -> HttpResponseBase:
    """Store the package of the request."""
    mode = overwrite_mode(feed)
    with received_file(feed.http, most_held=MOST_CONTENT) as received:
        stored = store_package(
            actor=feed.actor,
            space=feed.space,
            file=received.upload,
            file_name=received.name,
            overwrite_mode=mode,
        )
    version = stored.version
    status = 200 if stored.outcome is Outcome.IGNORED else 201
    path = space_path(feed.space, "packages", version.wire_id)
    response = JsonResponse(
        {"Id": version.wire_id, "PackageId": version.package_id, "Version": version.version},
        status=status,
    )
    response.headers["Location"] = path
    if stored.outcome is Outcome.IGNORED:
        response.headers[WARNING_HEADER] = one_line(f"{version} already exists and was kept")
    return response


def overwrite_mode(feed: FeedRequest) -> OverwriteMode:
    """Return the mode of the query; clients add a slash to the end of the whole address."""
    named = feed.text("overwriteMode").rstrip("/")
    return OverwriteMode.parse(named or feed.text("replace").rstrip("/"))


@feed_view(ANONYMOUS, "GET", "HEAD")
def probe(feed: FeedRequest) -> HttpResponseBase:
    """Answer old clients, which ask for the address before they push to it."""
    return HttpResponse("Push packages to this address.\n", content_type="text/plain")


@feed_view(Permission.BuiltInFeedAdminister, "DELETE")
def delete(feed: FeedRequest, package_id: str, version: str) -> HttpResponseBase:
    """Delete the version, or hide it where the server is set so."""
    row = _found(feed, package_id, version)
    if get_setting(UNLIST_SETTING, False):
        set_listed(actor=feed.actor, version=row, listed=False)
    else:
        delete_version(actor=feed.actor, version=row)
    return HttpResponse(status=204)


@feed_view(Permission.BuiltInFeedAdminister, "POST")
def relist(feed: FeedRequest, package_id: str, version: str) -> HttpResponseBase:
    """Show the version in searches again."""
    set_listed(actor=feed.actor, version=_found(feed, package_id, version), listed=True)
    return HttpResponse(status=200)


def _found(feed: FeedRequest, package_id: str, version: str) -> PackageVersion:
    row = served_version(feed.space, package_id, version.rstrip("/"))
    if row is None:
        raise NotFound(f"There is no package {quote(package_id)} {quote(version)}")
    return row
