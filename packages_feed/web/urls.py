"""Pages of the feed, relative to the space."""

from django.urls import path

from packages_feed.web import feeds, packages

urlpatterns = [
    path("packages", packages.package_list),
    path("packages/upload", packages.package_upload),
    path("packages/<str:package>", packages.package_page),
    path("packages/<str:package>/<str:version>/delete", packages.version_delete),
    path("feeds", feeds.feed_list),
    path("feeds/new/<str:kind>", feeds.feed_new),
    path("feeds/<str:feed>", feeds.feed_page),
    path("feeds/<str:feed>/edit", feeds.feed_edit),
    path("feeds/<str:feed>/delete", feeds.feed_delete),
]
