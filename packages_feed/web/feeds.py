"""External feeds: the list, adding, changing, looking into one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import NotFound
from packages_feed.models import Feed
from packages_feed.queries import find_feed
from packages_feed.queries.catalogue import Catalogue, catalogue
from packages_feed.services.asking import check_feed, refresh, source_of
from packages_feed.services.external_feeds import (
    FeedValues,
    change_feed,
    create_feed,
    delete_feed,
)
from packages_feed.sources import KINDS, Hit, Kind, SourceFailed
from packages_feed.usage import projects_naming

_MOST_HITS = 30
_MOST_VERSIONS = 50
_LONGEST_TERM = 200
LABELS = {
    "RegistryPath": ("Path in the registry", "Stands before every image name, such as acme."),
    "Region": ("Region", "Empty: us-east-1."),
}


@require_GET
@page(Permission.FeedView)
def feed_list(request: PageRequest) -> HttpResponse:
    """List the feeds of the space."""
    rows = Feed.objects.visible_to(request.actor, request.space, Permission.FeedView)
    values = {
        "feeds": [(feed, _label(feed)) for feed in rows.select_related("space")],
        "has_external": rows.exclude(feed_type="BuiltIn").exists(),
        "may_edit": request.grants.allows(Permission.FeedEdit),
        "kinds": KINDS.values(),
    }
    return show(request, "packages/feeds.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.FeedEdit)
def feed_new(request: PageRequest, kind: str) -> HttpResponse:
    """Add a feed of a kind."""
    found = _kind(kind)
    if request.method == "GET":
        return _form(request, found, None)
    feed, problems = attempt(
        lambda: create_feed(
            actor=request.actor,
            space=request.space,
            feed_type=found.name,
            values=_values(request, found, keeps=False),
        )
    )
    if feed is None:
        return _form(request, found, None, problems)
    messages.success(request, f"{feed.name} was added. Test it, or look for a package.")
    return go(request, f"feeds/{feed.public_id}")


@require_GET
@page(Permission.FeedView)
def feed_page(request: PageRequest, feed: str) -> HttpResponse:
    """Show a feed; `q` searches it, `package` lists the versions of one package."""
    row = _external(request, feed)
    term = request.GET.get("q", "").strip()[:_LONGEST_TERM]
    package = request.GET.get("package", "").strip()[:_LONGEST_TERM]
    hits: list[Hit] = []
    found, problem = Catalogue([]), ""
    if package:
        refresh([(row, package)])
        found = catalogue(row, package)
        problem = found.problem
    elif term:
        try:
            hits = source_of(row).search(term, _MOST_HITS)
        except SourceFailed as error:
            problem = error.message
    users, hidden_users = projects_naming(request.actor, row)
    values = {
        **_frame(row),
        "term": term,
        "package": package,
        "hits": hits,
        "versions": found.versions[:_MOST_VERSIONS],
        "hidden": max(0, len(found.versions) - _MOST_VERSIONS),
        "told": found.told,
        "problem": problem,
        "users": users,
        "hidden_users": hidden_users,
        "may_edit": request.grants.allows(Permission.FeedEdit),
    }
    return show(request, "packages/feed.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.FeedEdit)
def feed_edit(request: PageRequest, feed: str) -> HttpResponse:
    """Change a feed."""
    row = _external(request, feed)
    kind = _kind(row.feed_type)
    if request.method == "GET":
        return _form(request, kind, row)
    values = _values(request, kind, keeps=True)
    changed, problems = attempt(lambda: change_feed(actor=request.actor, feed=row, values=values))
    if changed is None:
        return _form(request, kind, _external(request, feed), problems)
    messages.success(request, f"{changed.name} was saved.")
    return go(request, f"feeds/{changed.public_id}")


@require_POST
@page(Permission.FeedEdit)
def feed_test(request: PageRequest, feed: str) -> HttpResponse:
    """Ask a feed whether it is one; says what came of it on its page."""
    row = _external(request, feed)
    try:
        messages.success(request, check_feed(actor=request.actor, feed=row))
    except SourceFailed as error:
        messages.error(request, f"The test failed: {error.message}")
    return go(request, f"feeds/{row.public_id}")


@require_POST
@page(Permission.FeedEdit)
def feed_delete(request: PageRequest, feed: str) -> HttpResponse:
    """Delete a feed that nothing uses."""
    row = _external(request, feed)
    _, problems = attempt(lambda: delete_feed(actor=request.actor, feed=row))
    if problems.errors:
        for text in problems.errors:
            messages.error(request, text)
        return go(request, f"feeds/{feed}")
    messages.success(request, f"{row.name} was deleted.")
    return go(request, "feeds")


def _external(request: PageRequest, text: str) -> Feed:
    feed = find_feed(request.space, text)
    if feed is None or feed.is_built_in:
        raise NotFound
    return feed


def _kind(name: str) -> Kind:
    kind = next((each for each in KINDS.values() if each.name.lower() == name.lower()), None)
    if kind is None:
        raise NotFound
    return kind


def _label(feed: Feed) -> str:
    kind = KINDS.get(feed.feed_type)
    return kind.label if kind else "Built-in feed"


def _frame(feed: Feed) -> dict[str, object]:
    kind = _kind(feed.feed_type)
    settings = [(LABELS[name][0], feed.settings.get(name)) for name in kind.settings]
    return {"feed": feed, "kind": kind, "settings": [pair for pair in settings if pair[1]]}


def _values(request: HttpRequest, kind: Kind, *, keeps: bool) -> FeedValues:
    """Read the form; an empty password keeps the stored one unless its removal is asked for."""
    password: str | None = request.POST.get("password", "")
    if keeps and not password and not request.POST.get("no_password"):
        password = None
    return FeedValues(
        name=request.POST.get("name", ""),
        uri=request.POST.get("uri", ""),
        username=request.POST.get("username", ""),
        password=password,
        settings={name: request.POST.get(name, "") for name in kind.settings},
    )


def _form(
    request: PageRequest, kind: Kind, feed: Feed | None, problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    stored = (
        {"name": feed.name, "uri": feed.uri, "username": feed.username, **feed.settings}
        if feed
        else {"uri": kind.uri_default}
    )
    sent = request.POST.dict() if request.method == "POST" else stored
    values = {
        "kind": kind,
        "feed": feed,
        "sent": sent,
        "has_password": bool(feed and feed.sealed_password),
        "settings": [(name, *LABELS[name], sent.get(name, "")) for name in kind.settings],
    }
    return show(request, "packages/feed_form.html", values, problems)
