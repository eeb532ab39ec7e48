"""Pages of the feed, relative to the space."""

from django.urls import path

from packages_feed.web import packages

urlpatterns = [
    path("packages", packages.package_list),
    path("packages/upload", packages.package_upload),
    path("packages/<str:package>", packages.package_page),
    path("packages/<str:package>/<str:version>/delete", packages.version_delete),
]
