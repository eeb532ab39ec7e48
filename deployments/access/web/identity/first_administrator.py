"""The page of a server without users: its first administrator, by the link that it printed."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from deployments.access.rules import ANONYMOUS
from deployments.access.services.first_administrator import (
    DEFAULT_USERNAME,
    check_link,
    create_by_link,
    has_users,
)
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, show
from deployments.access.web.sign_in import come_in, server_name


@require_http_methods(["GET", "POST"])
def first_administrator_view(request: HttpRequest, token: str = "") -> HttpResponse:
    """Say where the link is; with it, make the administrator and sign in.

    Once there is a user the page leads to the sign-in page.
    """
    if has_users():
        return HttpResponseRedirect(settings.LOGIN_URL)
    if not token:
        return _page(request)
    row, problems = attempt(lambda: check_link(token))
    if row is None or request.method == "GET":
        return _page(request, problems, is_good=row is not None)
    user, problems = attempt(
        lambda: create_by_link(
            token=token,
            username=request.POST.get("username", ""),
            display_name=request.POST.get("display_name", ""),
            email=request.POST.get("email", ""),
            password=request.POST.get("password", ""),
            ip_address=request.META.get("REMOTE_ADDR", ""),
            user_agent=request.headers.get("User-Agent", ""),
        )
    )
    return _page(request, problems, is_good=True) if user is None else come_in(request, user)


first_administrator_view.permission = ANONYMOUS  # type: ignore[attr-defined]  # read by the enumerating test


def _page(
    request: HttpRequest, problems: Problems = NO_PROBLEMS, *, is_good: bool = False
) -> HttpResponse:
    sent = request.POST or {"username": DEFAULT_USERNAME}
    values = {"server": server_name(), "is_good": is_good, "sent": sent}
    answer = show(request, "access/first_administrator.html", values, problems)
    answer.headers["Cache-Control"] = "no-store"
    return answer
