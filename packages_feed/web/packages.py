"""Packages of the built-in feed: the list, one package, uploading."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Sum
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from deployments.access.permissions import Permission
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    go,
    page_of,
    show,
)
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import Invalid, NotFound
from packages_feed.models import Latest, PackageVersion
from packages_feed.queries import (
    are_latest,
    built_in_feed,
    ranked,
    versions_of,
    with_words,
    words_of,
)
from packages_feed.services import Outcome, Stored, store_package
from packages_feed.services.permissions import may
from packages_feed.usage import visible_projects_using, visible_users_of_versions

_DONE = {
    Outcome.CREATED: "was added to the feed",
    Outcome.REPLACED: "was replaced",
    Outcome.IGNORED: "was there already and stays as it is",
}
MODES = (
    ("FailIfExists", "Refuse it"),
    ("IgnoreIfExists", "Keep the old one"),
    ("OverwriteExisting", "Replace the old one"),
)


@require_GET
@page(Permission.FeedView)
def package_list(request: PageRequest) -> HttpResponse:
    """List the packages with their newest versions; those that have each word of the search."""
    rows = _visible(request)
    text = request.GET.get("q", "").strip()
    words = words_of(text)
    wanted = are_latest(with_words(rows, words), request.space, Latest.OF_ALL)
    shown = page_of(request, ranked(wanted, words))
    on_page = [row.id_lower for row in shown.object_list]
    counts = dict(
        rows.filter(id_lower__in=on_page)
        .order_by()
        .values_list("id_lower")
        .annotate(total=Count("pk"))
    )
    sums = rows.order_by().aggregate(total=Count("pk"), size=Sum("size"))
    values = {
        "page": shown,
        "counts": counts,
        "total": sums["total"],
        "size": sums["size"] or 0,
        "text": text,
        "may_push": request.grants.allows_anywhere(Permission.BuiltInFeedPush),
        "addresses": _addresses(request),
    }
    return show(request, "packages/packages.html", values)


@require_GET
@page(Permission.FeedView)
def package_page(request: PageRequest, package: str) -> HttpResponse:
    """Show a package's versions and the projects that use it."""
    versions = _visible(request) & versions_of(request.space, package)
    shown = page_of(request, versions.order_by("-version_key", "-version_lower"))
    if not shown.object_list:
        raise NotFound
    first = versions_of(request.space, package)[0]
    values = {
        "package": first,
        "page": shown,
        "version_users": visible_users_of_versions(
            request.actor,
            request.space,
            first.package_id,
            [row.version for row in shown.object_list],
        ),
        "users": visible_projects_using(request.actor, request.space, package),
        "may_delete": may(request.actor, request.space, Permission.BuiltInFeedAdminister, package),
        "may_download": may(request.actor, request.space, Permission.BuiltInFeedDownload, package),
    }
    return show(request, "packages/package.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.BuiltInFeedPush)
def package_upload(request: PageRequest) -> HttpResponse:
    """Upload one file; the page's script sends files by the API instead, in pieces."""
    if request.method == "GET":
        return _upload_page(request)
    stored, problems = attempt(lambda: _store(request))
    if stored is None:
        return _upload_page(request, problems)
    version = stored.version
    messages.success(request, f"{version.package_id} {version.version} {_DONE[stored.outcome]}.")
    return go(request, f"packages/{version.package_id}/{version.version}")


def _visible(request: PageRequest) -> Any:
    return PackageVersion.objects.visible_to(request.actor, request.space, Permission.FeedView)


def _store(request: PageRequest) -> Stored:
    file = request.FILES.get("file")
    if file is None:
        raise Invalid(fields={"file": ["Choose a file."]})
    return store_package(
        actor=request.actor,
        space=request.space,
        file=file.chunks(),
        file_name=file.name,
        overwrite_mode=request.POST.get("mode", ""),
    )


def _upload_page(request: PageRequest, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    values = {"modes": MODES, "mode": request.POST.get("mode", "FailIfExists")}
    return show(request, "packages/upload.html", values, problems)


def _addresses(request: PageRequest) -> list[tuple[str, str]]:
    """Return the lines that clients are set up with."""
    server, space = settings.OCTOPUS.server_url, request.space
    start = f"{server}/nuget" if space.is_default else f"{server}/nuget/{space.public_id}"
    feed = f"{start}/v3/index.json"
    name = built_in_feed(space).name.split()[0]
    header, upload = "X-Octopus-ApiKey: API-…", f"{server}/api/{space.public_id}/packages/raw"
    return [
        ("NuGet feed", feed),
        (
            "Push with dotnet",
            f"dotnet nuget push Acme.Web.1.0.0.nupkg --source {feed} --api-key API-…",
        ),
        ("Restore with dotnet", f"dotnet nuget add source {feed} --name {name}"),
        (
            "Upload any package",
            f"curl -H '{header}' -F file=@Acme.Web.1.0.0.zip {upload}",
        ),
    ]
