"""The addresses of the feed: below /nuget and /api/v2, and with a space in them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, re_path

from packages_feed.nuget import push, v2, v3_index, v3_registrations, v3_search
from packages_feed.nuget.answers import is_for_reading

_SPACE = r"(?P<space>Spaces-[1-9][0-9]{0,17})"
# Those with a space first: `nuget/Spaces-1/packages` looks like an id and a version.
_ROOTS = (
    rf"(?P<root>nuget/{_SPACE})",
    rf"(?P<root>api/{_SPACE}/nuget)",
    rf"(?P<root>api/spaces/{_SPACE}/nuget)",
    r"(?P<root>nuget)",
    r"(?P<root>api/v2)",
)
_ID = r"(?P<package_id>[^/()$]{1,200})"
_VERSION = r"(?P<version>[^/()$]{1,512})"
_COUNT = r"(?:/(?P<count>\$count))?/?"

View = Callable[..., HttpResponseBase]


def _by_method(reading: View, **others: View) -> View:
    """Return a view that reads with one view and writes with others, by method."""

    def chosen(request: HttpRequest, **ids: Any) -> HttpResponseBase:
        if is_for_reading(request):
            return reading(request, **ids)
        return others.get(str(request.method), reading)(request, **ids)

    chosen.csrf_exempt = True  # type: ignore[attr-defined]  # keys only, no cookies
    return chosen


def _pushing(reading: View) -> View:
    return _by_method(reading, PUT=push.push, POST=push.push)


_writing = _by_method(v3_index.download, DELETE=push.delete, POST=push.relist)

# Letters of any case, but `packages` alone is where old clients push and `Packages` is a list.
_ROUTES: tuple[tuple[str, View], ...] = (
    (r"/?", _pushing(v2.service_document)),
    (r"/packages/?", _pushing(push.probe)),
    (r"/(?i:package)/?", _pushing(push.probe)),
    (r"/(?i:v3/index\.json)", v3_index.service_index),
    (r"/(?i:v3/package)/?", _pushing(push.probe)),
    (rf"/(?i:v3/package)/{_ID}/{_VERSION}/?", _writing),
    (rf"/(?i:v3/flat)/{_ID}/index\.json", v3_index.flat_index),
    (rf"/(?i:v3/flat)/{_ID}/{_VERSION}/(?P<file>[^/]+\.nupkg)", v3_index.flat_package),
    (rf"/(?i:v3/flat)/{_ID}/{_VERSION}/(?P<file>[^/]+\.nuspec)", v3_index.flat_nuspec),
    (rf"/(?i:v3/flat)/{_ID}/{_VERSION}/(?P<part>(?i:icon|readme|license))", v3_index.flat_part),
    (rf"/(?i:v3/registrations)/{_ID}/index\.json", v3_registrations.index),
    (
        rf"/(?i:v3/registrations)/{_ID}/page/(?P<lower>[^/]+)/(?P<upper>[^/]+)\.json",
        v3_registrations.page,
    ),
    (rf"/(?i:v3/registrations)/{_ID}/{_VERSION}\.json", v3_registrations.leaf),
    (r"/(?i:v3/query)/?", v3_search.search),
    (r"/(?i:v3/autocomplete)/?", v3_search.autocomplete),
    (r"/\$(?i:metadata)", v2.metadata_document),
    (r"/(?i:Packages)\((?P<key>[^/]+)\)/?", v2.single),
    (rf"/(?i:Packages)(?:\(\))?{_COUNT}", v2.packages),
    (rf"/(?i:FindPackagesById)(?:\(\))?{_COUNT}", v2.find_by_id),
    (rf"/(?i:Search)(?:\(\))?{_COUNT}", v2.search),
    (rf"/(?i:GetUpdates)(?:\(\))?{_COUNT}", v2.get_updates),
    (rf"/(?i:packages?)/{_ID}/{_VERSION}/?", _writing),
    (rf"/{_ID}/{_VERSION}/?", _writing),
)

_BELOW: list[URLPattern] = [re_path(rf"^{route}\Z", view) for route, view in _ROUTES]
# By root, so that a push need not be held against the routes of each other one.
urlpatterns: list[URLResolver] = [re_path(rf"^{root}", include(_BELOW)) for root in _ROOTS]
