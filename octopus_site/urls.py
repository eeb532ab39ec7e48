"""All URLs of the server."""

from django.urls import URLPattern, URLResolver

from octopus_site.api.urls import urlpatterns as api
from packages_feed.nuget.urls import urlpatterns as nuget
from octopus_site.portal import urlpatterns as portal

urlpatterns: list[URLPattern | URLResolver] = [*nuget, *api, *portal]

handler400 = "octopus_site.middleware.errors.bad_request"
handler404 = "octopus_site.middleware.errors.not_found"
handler500 = "octopus_site.middleware.errors.server_error"
