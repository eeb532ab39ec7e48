"""One's own passkeys."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.http import require_POST

from deployments.access.models import Passkey
from deployments.access.services.passkeys import add_passkey, begin_passkey, remove_passkey
from deployments.access.web.account import AccountRequest, signed_in
from deployments.access.web.csrf import token_of_request
from deployments.access.web.forms import REFUSED, attempt, refusal
from deployments.access.web.identity.second_step import ask, take_question
from deployments.access.web.identity.security import SECURITY, security_page, this_session
from deployments.base import public_ids
from deployments.base.errors import NotFound


@require_POST
@signed_in
def options_view(request: AccountRequest) -> HttpResponse:
    """Tell a browser what passkey to make."""
    begun, problems = attempt(
        lambda: begin_passkey(
            actor=request.actor,
            user=request.known_user,
            name=request.POST.get("name", ""),
            password=request.POST.get("password", ""),
            session=this_session(request),
        )
    )
    if begun is None:
        return JsonResponse({"error": problems.errors[0]}, status=REFUSED)
    options, state = begun
    ask(request, {**state, "name": request.POST.get("name", "")}, to="add")
    return JsonResponse({"options": options, "csrf_token": token_of_request(request)})


@require_POST
@signed_in
def add_view(request: AccountRequest) -> HttpResponse:
    """Store the passkey that a browser has made."""

    def add() -> Passkey:
        state = take_question(request, to="add")
        return add_passkey(
            actor=request.actor,
            user=request.known_user,
            name=state.pop("name", ""),
            answer=request.POST.get("answer", ""),
            state=state,
        )

    row, problems = attempt(add)
    if row is None:
        return security_page(request, problems, refused="passkeys")
    messages.success(request, f"You can sign in with the passkey {row.name} now.")
    return HttpResponseRedirect(SECURITY)


@require_POST
@signed_in
def remove_view(request: AccountRequest, passkey: str) -> HttpResponse:
    """Remove one of one's passkeys."""
    number = public_ids.require("passkeys", passkey)
    row = Passkey.objects.filter(user=request.known_user, pk=number).first()
    if row is None:
        raise NotFound
    problems = refusal(
        lambda: remove_passkey(
            actor=request.actor,
            passkey=row,
            password=request.POST.get("password", ""),
            session=this_session(request),
        )
    )
    if problems:
        return security_page(request, problems, refused="passkeys")
    messages.success(request, f"The passkey {row.name} no longer works.")
    return HttpResponseRedirect(SECURITY)
