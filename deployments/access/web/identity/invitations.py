"""Inviting people, and making one's account with an invitation."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.models import Invitation, Team
from deployments.access.permissions import Permission
from deployments.access.queries import find_team, teams_visible_to
from deployments.access.rules import ANONYMOUS
from deployments.access.services.invitations import (
    Invited,
    accept_invitation,
    find_invitation,
    invite,
    mail_invitation,
    revoke_invitation,
)
from deployments.access.services.mail_settings import mail_settings
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.access.web.sign_in import come_in, server_name
from deployments.base import public_ids
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid, NotFound

PLACE = "administration/invitations"


@require_http_methods(["GET", "POST"])
@page(Permission.UserInvite)
def invitation_list(request: PageRequest) -> HttpResponse:
    """List invitations that nobody has used; make one and show its link this once."""
    if request.method == "GET":
        return _page(request)
    teams = _teams(request)
    email = request.POST.get("email", "").strip()

    def make() -> Invited:
        chosen = [_chosen(teams, text) for text in request.POST.getlist("teams")]
        return invite(actor=request.actor, teams=chosen, email=email)

    invited, problems = attempt(make)
    if invited is None:
        return _page(request, problems)
    failure = ""
    if email and mail_settings().is_configured:
        failure = mail_invitation(actor=request.actor, invited=invited)
        if not failure:
            messages.success(request, f"The invitation was sent to {email}.")
            return go(request, PLACE)
    answer = _page(request, invited=invited, failure=failure)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_POST
@page(Permission.UserInvite)
def invitation_revoke(request: PageRequest, invitation: str) -> HttpResponse:
    """Withdraw an invitation."""
    number = public_ids.require(Invitation.id_prefix, invitation)
    row = Invitation.objects.filter(pk=number).first()
    if row is None:
        raise NotFound
    revoke_invitation(actor=request.actor, invitation=row)
    messages.success(request, "The invitation no longer works.")
    return go(request, PLACE)


@require_http_methods(["GET", "POST"])
def join_view(request: HttpRequest, code: str) -> HttpResponse:
    """Make one's account with an invitation, and sign in."""
    row, problems = attempt(lambda: find_invitation(code))
    values = {"server": server_name(), "invitation": row, "sent": request.POST}
    if row is None or request.method == "GET":
        return show(request, "access/join.html", values, problems)
    password = request.POST.get("password", "")
    user, problems = attempt(
        lambda: accept_invitation(
            code=code,
            username=request.POST.get("username", ""),
            display_name=request.POST.get("display_name", ""),
            email=request.POST.get("email", ""),
            password=password,
        )
    )
    if user is None:
        return show(request, "access/join.html", values, problems)
    return come_in(request, user)


join_view.permission = ANONYMOUS  # type: ignore[attr-defined]  # read by the enumerating test


def _teams(request: PageRequest) -> QuerySet[Team]:
    return teams_visible_to(request.actor, request.space).filter(everyone=False)


def _chosen(teams: QuerySet[Team], text: str) -> Team:
    team = find_team(teams, text)
    if team is None:
        raise Invalid(fields={"AddToTeamIds": ["There is no such team."]})
    return team


def _page(
    request: PageRequest,
    problems: Problems = NO_PROBLEMS,
    *,
    invited: Invited | None = None,
    failure: str = "",
) -> HttpResponse:
    rows = Invitation.objects.filter(expires__gt=utc_now()).select_related("inviter")
    values = {
        "page": page_of(request, rows.prefetch_related("teams")),
        "teams": _teams(request),
        "chosen": request.POST.getlist("teams") if problems else [],
        "email": request.POST.get("email", "") if problems else "",
        "mail_works": mail_settings().is_configured,
        "link": invited.link if invited else "",
        "failure": failure,
    }
    return show(request, "access/invitations.html", values, problems)
