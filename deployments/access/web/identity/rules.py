"""Administration of what the server demands of everybody who signs in."""

from dataclasses import asdict, replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from deployments.access.models import User
from deployments.access.permissions import Permission
from deployments.access.services.sign_in_rules import (
    LIMITS,
    SignInRules,
    save_sign_in_rules,
    sign_in_rules,
)
from deployments.access.web.forms import NO_PROBLEMS, Problems, checked, go, refusal, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.numbers import whole_number


@require_http_methods(["GET", "POST"])
@page(Permission.ConfigureServer)
def sign_in_rules_page(request: PageRequest) -> HttpResponse:
    """Show and change the rules."""
    stored = sign_in_rules()
    if request.method == "GET":
        return _page(request, asdict(stored))
    sent: dict[str, Any] = {name: request.POST.get(name, "") for name in LIMITS}
    sent["require_second_factor"] = checked(request, "require_second_factor")
    sent["people_have_keys"] = checked(request, "people_have_keys")
    problems = refusal(lambda: save_sign_in_rules(actor=request.actor, rules=_rules(stored, sent)))
    if problems:
        return _page(request, sent, problems)
    messages.success(request, "The rules of signing in were saved.")
    return go(request, "administration/sign-in")


def _rules(stored: SignInRules, sent: dict[str, Any]) -> SignInRules:
    # What is no number is out of every limit.
    numbers = {name: whole_number(sent[name]) or 0 for name in LIMITS}
    return replace(
        stored,
        require_second_factor=sent["require_second_factor"],
        people_have_keys=sent["people_have_keys"],
        **numbers,
    )


def _page(
    request: PageRequest, sent: dict[str, Any], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    people = User.objects.filter(is_active=True, is_service=False)
    bare = people.filter(passkeys__isnull=True).exclude(authenticator__confirmed__isnull=False)
    values = {"sent": sent, "bare": bare.count()}
    return show(request, "access/sign_in_rules.html", values, problems)
