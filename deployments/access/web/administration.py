"""Administration: where its pages are."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.grants import Grants
from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.web.forms import go
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import NotFound

# (label, path below administration, permission, whether it is one of the server)
PLACES = (
    ("Users", "users", Permission.UserView, True),
    ("Invitations", "invitations", Permission.UserInvite, True),
    ("Signing in", "sign-in", Permission.ConfigureServer, True),
    ("Teams", "teams", Permission.TeamView, False),
    ("Roles", "roles", Permission.UserRoleView, True),
    ("Direct grants", "grants", Permission.TeamView, False),
    ("Permissions", "permissions", Permission.TeamView, False),
    ("Retention", "retention", Permission.RetentionAdminister, False),
    ("Audit", "audit", Permission.EventView, False),
    ("Subscriptions", "subscriptions", Permission.SubscriptionView, False),
    ("Freezes", "freezes", Permission.ProjectView, False),
    ("Identity providers", "providers", Permission.ConfigureServer, True),
    ("Spaces", "spaces", Permission.SpaceView, True),
    ("Outgoing", "outgoing", Permission.ConfigureServer, True),
    ("Server", "server", Permission.ConfigureServer, True),
    ("Logs", "logs", Permission.ConfigureServer, True),
)


def administration_places(grants: Grants) -> list[tuple[str, str]]:
    """Return label and path of the pages that the actor may see."""
    return [
        (label, path)
        for label, path, permission, is_system in PLACES
        if (grants.allows_system(permission) if is_system else grants.allows_anywhere(permission))
    ]


@require_GET
@page(SIGNED_IN)
def administration_home(request: PageRequest) -> HttpResponse:
    """Send people to the first page that they may see."""
    places = administration_places(request.grants)
    if not places:
        raise NotFound
    return go(request, f"administration/{places[0][1]}")
