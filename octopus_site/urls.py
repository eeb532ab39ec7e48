"""All URLs of the server."""

from django.urls import URLPattern, URLResolver

from octopus_site.agents import urlpatterns as agents
from octopus_site.api.urls import urlpatterns as api
from octopus_site.portal import urlpatterns as portal
from packages_feed.nuget.urls import urlpatterns as nuget

urlpatterns: list[URLPattern | URLResolver] = [*nuget, *agents, *api, *portal]

handler400 = "octopus_site.middleware.errors.bad_request"
handler404 = "octopus_site.middleware.errors.not_found"
handler500 = "octopus_site.middleware.errors.server_error"
