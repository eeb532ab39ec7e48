"""Signing in with the password of a directory, and linking an account there to one's own."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from deployments.access import sessions
from deployments.access.models import IdentityProvider, User
from deployments.access.services.federation.external_sign_in import (
    Arrival,
    record_refusal,
    user_of_arrival,
)
from deployments.access.services.federation.ldap_sign_in import person_of_directory
from deployments.access.services.second_factors import (
    need_after_password,
    require_identity,
    require_oneself,
)
from deployments.access.signing_in import half_way
from deployments.access.web.account import AccountRequest
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, refusal, show
from deployments.access.web.identity.security import SECURITY, security_page, this_session
from deployments.access.web.sign_in import SECOND_STEP, SET_UP, safe_way_back, server_name
from deployments.base.actor import Actor


def directory_view(request: HttpRequest, provider: IdentityProvider) -> HttpResponse:
    """Ask for name and password; the second factor, where there is one, comes after it.

    A directory knows passwords only, so the factors of this server count as after its own.
    """
    wanted = safe_way_back(request.POST.get("next", "") or request.GET.get("next", ""))
    if request.method == "GET":
        return _form(request, provider, wanted)
    username, remember = request.POST.get("username", ""), checked(request, "keep")
    user, problems = attempt(lambda: _arrived(request, provider, username, "password", None))
    if user is None:
        reason = problems.errors[0] if problems.errors else ""
        record_refusal(
            visitor=visitor_of(request, provider), provider=provider, reason=f"{reason[:300]}"
        )
        return _form(request, provider, wanted, username, problems)
    need = need_after_password(user)
    if need:
        half_way.begin(request, user, remember=remember, wanted=wanted)
        return HttpResponseRedirect(SET_UP if need == "set_up" else SECOND_STEP)
    sessions.start_session(request, user, remember=remember, method="provider", told=provider.name)
    return HttpResponseRedirect(wanted)


def link_directory_view(request: AccountRequest, provider: IdentityProvider) -> HttpResponse:
    """Link the account of that name and password in the directory to the actor's own."""
    user = request.known_user

    def link() -> None:
        require_oneself_here(request)
        name = request.POST.get("directory_name", "")
        _arrived(request, provider, name, "directory_password", user)

    if problems := refusal(link):
        return security_page(request, problems)
    messages.success(request, f"You can sign in with {provider.name} now.")
    return HttpResponseRedirect(SECURITY)


def require_oneself_here(request: AccountRequest) -> None:
    """Raise unless it is the person at the browser, who has just said the password."""
    user = request.known_user
    require_oneself(request.actor, user)
    require_identity(user, request.POST.get("password", ""), this_session(request))


def visitor_of(request: HttpRequest, provider: IdentityProvider) -> Actor:
    """Return who is signed in, or the actor for somebody of the provider."""
    actor: Actor | None = request.actor  # type: ignore[attr-defined]  # by middleware
    return actor or sessions.nobody(request, f"somebody of {provider.name}")


def _arrived(
    request: HttpRequest, provider: IdentityProvider, name: str, field: str, linking: User | None
) -> User:
    person = person_of_directory(
        provider=provider, username=name, password=request.POST.get(field, "")
    )
    arrival = Arrival(provider, person, linking)
    return user_of_arrival(visitor=visitor_of(request, provider), arrival=arrival)


def _form(
    request: HttpRequest,
    provider: IdentityProvider,
    wanted: str,
    username: str = "",
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    values = {
        "provider": provider,
        "next": wanted,
        "username": username,
        "server": server_name(),
    }
    return show(request, "access/directory_sign_in.html", values, problems)
