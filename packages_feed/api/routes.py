"""The routes of packages, build information and feeds, relative to the space."""

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from packages_feed.api.build_information import BuildInformationViewSet
from packages_feed.api.feeds import FeedViewSet
from packages_feed.api.packages import PackageViewSet
from packages_feed.api.uploads import UploadViewSet

routes: list[URLPattern] = [
    path("packages/raw", PackageViewSet.as_view({"post": "upload", "put": "upload"})),
    path("packages/uploads", UploadViewSet.as_view({"post": "begin"})),
    path(
        "packages/uploads/<str:upload>",
        UploadViewSet.as_view({"get": "state", "put": "receive", "delete": "abandon"}),
    ),
    path("packages/uploads/<str:upload>/complete", UploadViewSet.as_view({"post": "complete"})),
    path("packages/bulk", PackageViewSet.as_view({"delete": "destroy_many"})),
    path("packages/notes", PackageViewSet.as_view({"get": "notes"})),
    path("packages/<str:id>/raw", PackageViewSet.as_view({"get": "download", "head": "download"})),
    path(
        "packages/<str:package_id>/<str:version>/delta-signature",
        PackageViewSet.as_view({"get": "delta_signature"}),
    ),
    path(
        "packages/<str:package_id>/<str:version>/delta",
        PackageViewSet.as_view({"post": "upload_delta"}),
    ),
    *resource_routes(PackageViewSet),
    path("build-information/bulk", BuildInformationViewSet.as_view({"delete": "destroy_many"})),
    *resource_routes(BuildInformationViewSet),
    path("feeds/stats", FeedViewSet.as_view({"get": "stats"})),
    path("feeds/<str:id>/packages", FeedViewSet.as_view({"get": "packages"})),
    path("feeds/<str:id>/packages/search", FeedViewSet.as_view({"get": "search"})),
    path("feeds/<str:id>/packages/versions", FeedViewSet.as_view({"get": "versions"})),
    path("feeds/<str:id>/packages/notes", FeedViewSet.as_view({"get": "notes"})),
    *resource_routes(FeedViewSet),
]
