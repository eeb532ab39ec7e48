"""One version of a package: what it is, who uses it, its readme, icon and licence; deleting."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import checked, go, place, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import NotFound
from packages_feed.build_links import safe_url
from packages_feed.contents import embedded_text
from packages_feed.models import PackageVersion
from packages_feed.queries import build_information_of, find_version, versions_of
from packages_feed.services import delete_version, delete_versions, set_listed
from packages_feed.services.permissions import may, require_for_package
from packages_feed.storage import StorageFailed
from packages_feed.usage import visible_users_of_versions
from packages_feed.web.embedded import icon_response

MOST_AT_ONCE: Final = 200
_LONGEST_LICENCE: Final = 100_000


@require_GET
@page(Permission.FeedView)
def version_page(request: PageRequest, package: str, version: str) -> HttpResponse:
    """Show one version."""
    row = _visible(request, package, version)
    actor, space, package_id = request.actor, request.space, row.package_id
    may_download = may(actor, space, Permission.BuiltInFeedDownload, package_id)
    story = build_information_of(space, [row]).get((row.id_lower, row.version_lower))
    metadata = row.metadata
    values: dict[str, Any] = {
        "version": row,
        "metadata": metadata,
        "links": [
            (words, url)
            for words, key in (("Project", "project_url"), ("Licence", "license_url"))
            if (url := safe_url(metadata.get(key)))
        ],
        "groups": [group for group in metadata.get("dependency_groups", ()) if group],
        "users": visible_users_of_versions(actor, space, package_id, [row.version]).get(
            row.version
        ),
        "build": story and {**story.document, "url": safe_url(story.document.get("BuildUrl"))},
        "may_download": may_download,
        "may_delete": may(actor, space, Permission.BuiltInFeedAdminister, package_id),
        **(_texts(row) if may_download else {}),
    }
    return show(request, "packages/version.html", values)


def _texts(row: PackageVersion) -> dict[str, Any]:
    """Return what the page shows of the package's own files."""
    try:
        return {
            "readme": embedded_text(row, "readme"),
            "licence": embedded_text(row, "license_file")[:_LONGEST_LICENCE],
            "has_icon": bool(row.metadata.get("icon")),
        }
    except StorageFailed as error:
        return {"problem": str(error)}


@require_GET
@page(Permission.BuiltInFeedDownload)
def version_icon(request: PageRequest, package: str, version: str) -> HttpResponseBase:
    """Answer with the icon of a NuGet package, if it is an image that cannot do harm."""
    row = find_version(request.space, package, version)
    if row is None:
        raise NotFound
    require_for_package(
        request.actor, request.space, Permission.BuiltInFeedDownload, row.package_id
    )
    return icon_response(row, is_named=request.GET.get("sha256") == row.blob_id)


@require_POST
@page(Permission.BuiltInFeedAdminister)
def version_delete(request: PageRequest, package: str, version: str) -> HttpResponse:
    """Delete one version."""
    row = find_version(request.space, package, version)
    if row is None:
        raise NotFound
    delete_version(actor=request.actor, version=row)
    messages.success(request, f"{row.package_id} {row.version} was deleted.")
    return _after(request, row.package_id)


@require_POST
@page(Permission.BuiltInFeedAdminister)
def version_listed(request: PageRequest, package: str, version: str) -> HttpResponse:
    """Show a version in searches of NuGet clients, or hide it there."""
    row = find_version(request.space, package, version)
    if row is None:
        raise NotFound
    set_listed(actor=request.actor, version=row, listed=checked(request, "listed"))
    return go(request, f"packages/{row.package_id}/{row.version}")


@require_http_methods(["GET", "POST"])
@page(Permission.BuiltInFeedAdminister)
def versions_delete(request: PageRequest, package: str) -> HttpResponse:
    """Ask whether several versions shall go, saying what uses them; then delete them."""
    actor, space = request.actor, request.space
    require_for_package(actor, space, Permission.BuiltInFeedAdminister, package)
    sent = request.POST if request.method == "POST" else request.GET
    wanted = sent.getlist("version")[:MOST_AT_ONCE]
    found = (find_version(space, package, text) for text in dict.fromkeys(wanted))
    rows = list({row.pk: row for row in found if row is not None}.values())
    if not rows:
        messages.warning(request, "Choose the versions that shall be deleted.")
        return _after(request, package)
    if request.method == "POST":
        count = delete_versions(actor=actor, versions=rows)
        plural = "s were" if count != 1 else " was"
        messages.success(request, f"{count} version{plural} of {rows[0].package_id} deleted.")
        return _after(request, rows[0].package_id)
    users = visible_users_of_versions(
        actor, space, rows[0].package_id, [row.version for row in rows]
    )
    values = {
        "package": rows[0].package_id,
        "rows": [(row, users.get(row.version, "")) for row in rows],
        "size": sum(row.size for row in rows),
        "back": place(request, f"packages/{rows[0].package_id}"),
    }
    return show(request, "packages/versions_delete.html", values)


def _after(request: PageRequest, package: str) -> HttpResponse:
    left = versions_of(request.space, package).exists()
    return go(request, f"packages/{package}" if left else "packages")


def _visible(request: PageRequest, package: str, version: str) -> PackageVersion:
    row = find_version(request.space, package, version)
    rows = PackageVersion.objects.visible_to(request.actor, request.space, Permission.FeedView)
    if row is None or not rows.filter(pk=row.pk).exists():
        raise NotFound
    return row
