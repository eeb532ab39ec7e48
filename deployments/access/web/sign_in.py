"""The pages before there is a space: signing in and out, and the way to the first space."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access import sessions
from deployments.access.models import IdentityProvider, User
from deployments.access.providers.code_flow import sign_out_address
from deployments.access.rules import ANONYMOUS
from deployments.access.services.first_administrator import PAGE as FIRST_ADMINISTRATOR
from deployments.access.services.first_administrator import has_users
from deployments.access.services.second_factors import need_after_password
from deployments.access.signing_in import half_way, webauthn
from deployments.access.spaces import visible_spaces
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, show
from deployments.base.actor import Actor
from deployments.base.errors import NotAuthenticated

SECOND_STEP = "/app/sign-in/second"
SET_UP = "/app/sign-in/set-up"


@require_http_methods(["GET", "POST"])
def sign_in_view(request: HttpRequest) -> HttpResponse:
    """Show the form; start a session."""
    wanted = safe_way_back(request.POST.get("next", "") or request.GET.get("next", ""))
    if request.method == "GET" and request.actor:  # type: ignore[attr-defined]  # by middleware
        return HttpResponseRedirect(wanted)
    if request.method == "GET":
        if not has_users() and not IdentityProvider.objects.filter(is_enabled=True).exists():
            return HttpResponseRedirect(FIRST_ADMINISTRATOR)
        return sign_in_page(request, wanted)
    username, remember = request.POST.get("username", ""), checked(request, "keep")
    user, problems = attempt(
        lambda: sessions.check_password(
            request, username=username, password=request.POST.get("password", "")
        )
    )
    if user is None:
        return sign_in_page(request, wanted, username=username, problems=problems)
    return come_in(request, user, remember=remember, wanted=wanted)


def come_in(
    request: HttpRequest, user: User, *, remember: bool = False, wanted: str = "/app"
) -> HttpResponse:
    """Let somebody in whose password is known, or on to what is asked for besides."""
    need = need_after_password(user)
    if need:
        half_way.begin(request, user, remember=remember, wanted=wanted)
        return HttpResponseRedirect(SET_UP if need == "set_up" else SECOND_STEP)
    sessions.start_session(request, user, remember=remember, method="password")
    return HttpResponseRedirect(wanted)


def sign_in_page(
    request: HttpRequest, wanted: str, *, username: str = "", problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    """Show the form, and the providers at which people sign in as well."""
    providers = list(IdentityProvider.objects.filter(is_enabled=True))
    slug = request.GET.get("left", "")
    left = next((each for each in providers if each.slug == slug), None)
    values = {
        "passkeys": webauthn.are_possible(),
        "next": wanted,
        "server": server_name(),
        "username": username,
        "providers": providers,
        "left": left,
        "left_url": sign_out_address(left) if left else "",
    }
    return show(request, "access/sign_in.html", values, problems)


@require_POST
def sign_out_view(request: HttpRequest) -> HttpResponse:
    """End the session; the one at a provider goes on, which the next page says."""
    provider = request.session.get(sessions.PROVIDER, "")
    sessions.sign_out(request)
    query = f"?{urlencode({'left': provider})}" if provider else ""
    return HttpResponseRedirect(f"{settings.LOGIN_URL}{query}")


@require_GET
def home_view(request: HttpRequest) -> HttpResponse:
    """Send people to the dashboard of the default space, or of the first one they may see."""
    actor: Actor | None = request.actor  # type: ignore[attr-defined]  # by middleware
    if not actor:
        raise NotAuthenticated
    space = visible_spaces(actor).order_by("-is_default", "name").first()
    if space is None:
        return render(request, "access/no_space.html", {"actor": actor})
    return HttpResponseRedirect(f"/app/{space.public_id}/dashboard")


for _view in (sign_in_view, sign_out_view, home_view):
    _view.permission = ANONYMOUS  # type: ignore[attr-defined]  # read by the enumerating test


def safe_way_back(address: str) -> str:
    """Return the address when it is a page of this server, else the way home."""
    local = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if local and not address.startswith(settings.LOGIN_URL) else "/app"


def server_name() -> str:
    """Return the server's name as people know it."""
    return str(settings.OCTOPUS.server_url).partition("://")[2]
