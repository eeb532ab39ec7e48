"""Signing in at a provider, and linking an account there to one's own."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.models import ExternalLogin, IdentityProvider, User
from deployments.access.providers.code_flow import LASTS, Journey, begin, finish, remembered
from deployments.access.providers.people import person_of
from deployments.access.rules import ANONYMOUS
from deployments.access.services.federation.external_sign_in import (
    Arrival,
    record_refusal,
    unlink_login,
    user_of_arrival,
)
from deployments.access.sessions import PROVIDER, start_session
from deployments.access.web.account import AccountRequest, signed_in
from deployments.access.web.federation.directories import (
    directory_view,
    link_directory_view,
    require_oneself_here,
    visitor_of,
)
from deployments.access.web.forms import Problems, attempt, refusal
from deployments.access.web.identity.security import SECURITY, security_page
from deployments.access.web.sign_in import safe_way_back, sign_in_page
from deployments.base.actor import Actor
from deployments.base.errors import Invalid, NotFound
from deployments.base.numbers import whole_number

COOKIE = "OctopusSignIn"
_PATH = "/app/sign-in/with/"


@require_http_methods(["GET", "POST"])
def begin_view(request: HttpRequest, provider: str) -> HttpResponse:
    """Send the browser to the provider, or ask for the name and password of a directory."""
    row = _provider(provider)
    if row.is_directory:
        return directory_view(request, row)
    if request.method == "POST":
        raise NotFound
    wanted = safe_way_back(request.GET.get("next", ""))
    begun, problems = attempt(lambda: begin(row, wanted=wanted))
    if begun is None:
        return sign_in_page(request, wanted, problems=problems)
    address, journey = begun
    return _remembering(HttpResponseRedirect(address), journey)


@require_GET
def done_view(request: HttpRequest, provider: str) -> HttpResponse:
    """Take the provider's answer; sign in, or link the account to whoever has begun this."""
    row = _provider(provider)
    if row.is_directory:
        raise NotFound
    try:
        answer = _arrived(request, row)
    except Invalid as error:
        record_refusal(visitor=visitor_of(request, row), provider=row, reason=error.message)
        problems = Problems(tuple(error.errors) or (error.message,))
        answer = sign_in_page(request, "/app", problems=problems)
    answer.delete_cookie(COOKIE, path=_PATH, samesite="Lax")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_POST
@signed_in
def link_view(request: AccountRequest, provider: str) -> HttpResponse:
    """Begin to link an account at the provider to the actor's own.

    The page in between is where the browser leaves from: a form may only lead to this server.
    """
    row, user = _provider(provider), request.known_user
    if row.is_directory:
        return link_directory_view(request, row)

    def start() -> tuple[str, Journey]:
        require_oneself_here(request)
        return begin(row, wanted=SECURITY, linking=user.pk)

    begun, problems = attempt(start)
    if begun is None:
        return security_page(request, problems)
    address, journey = begun
    page = render(request, "access/leaving.html", {"provider": row, "address": address})
    return _remembering(page, journey)


@require_POST
@signed_in
def unlink_view(request: AccountRequest, login: str) -> HttpResponse:
    """Take one of one's own accounts at providers away."""
    rows = ExternalLogin.objects.select_related("user", "provider")
    row = rows.filter(user=request.known_user, pk=whole_number(login) or 0).first()
    if row is None:
        raise NotFound
    name = row.provider.name

    def unlink() -> None:
        require_oneself_here(request)
        unlink_login(actor=request.actor, login=row)

    if problems := refusal(unlink):
        return security_page(request, problems)
    messages.success(request, f"Your account of {name} no longer signs you in here.")
    return HttpResponseRedirect(SECURITY)


for _view in (begin_view, done_view):
    _view.permission = ANONYMOUS  # type: ignore[attr-defined]  # read by the enumerating test


def _arrived(request: HttpRequest, provider: IdentityProvider) -> HttpResponse:
    cookie = request.COOKIES.get(COOKIE, "")
    journey = remembered(provider, cookie, request.GET.get("state", ""))
    claims = finish(provider, journey, request.GET.dict())
    person = person_of(
        claims, username_claim=provider.username_claim, group_claim=provider.group_claim
    )
    actor: Actor | None = request.actor  # type: ignore[attr-defined]  # by middleware
    linking = None
    if journey.linking is not None:
        by_session = actor is not None and actor.authentication == "Session"
        if not actor or not by_session or actor.user_id != journey.linking:
            raise Invalid("Somebody else is signed in here by now, so nothing was linked.")
        linking = User.objects.get(pk=journey.linking)
    visitor = visitor_of(request, provider)
    user = user_of_arrival(visitor=visitor, arrival=Arrival(provider, person, linking))
    if linking is not None:
        messages.success(request, f"You can sign in with {provider.name} now.")
    else:
        start_session(request, user, remember=False, method="provider", told=provider.name)
        request.session[PROVIDER] = provider.slug
    return HttpResponseRedirect(journey.wanted)


def _remembering(answer: HttpResponse, journey: Journey) -> HttpResponse:
    answer.set_cookie(
        COOKIE,
        journey.sealed(),
        max_age=int(LASTS.total_seconds()),
        path=_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _provider(slug: str) -> IdentityProvider:
    row = IdentityProvider.objects.filter(slug=slug, is_enabled=True).first()
    if row is None:
        raise NotFound
    return row
