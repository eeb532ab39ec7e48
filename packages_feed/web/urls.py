"""Pages of the feed, relative to the space."""

from django.urls import path

from packages_feed.web import feeds, packages, versions

urlpatterns = [
    path("packages", packages.package_list),
    path("packages/upload", packages.package_upload),
    path("packages/<str:package>", packages.package_page),
    path("packages/<str:package>/delete", versions.versions_delete),
    path("packages/<str:package>/<str:version>", versions.version_page),
    path("packages/<str:package>/<str:version>/icon", versions.version_icon),
    path("packages/<str:package>/<str:version>/listed", versions.version_listed),
    path("packages/<str:package>/<str:version>/delete", versions.version_delete),
    path("feeds", feeds.feed_list),
    path("feeds/new/<str:kind>", feeds.feed_new),
    path("feeds/<str:feed>", feeds.feed_page),
    path("feeds/<str:feed>/edit", feeds.feed_edit),
    path("feeds/<str:feed>/test", feeds.feed_test),
    path("feeds/<str:feed>/delete", feeds.feed_delete),
]
