"""Accounts: the list, adding one of a type, and the page of one with what uses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    checked,
    filters_of,
    go,
    page_of,
    show,
)
from deployments.access.web.pages import PageRequest, find, page
from deployments.library.account_types import (
    ACCOUNT_TYPES,
    DEFAULT_SUBJECT_KEYS,
    SUBJECT_KEYS,
    AccountField,
    AccountType,
    Form,
)
from deployments.library.models import Account
from deployments.library.services import (
    AccountInput,
    create_account,
    delete_account,
    update_account,
)
from deployments.library.values import account_secrets
from deployments.projects.web.library.restricted import (
    environment_names,
    offered_environments,
    restriction_values,
    sent_restrictions,
    uses_frame,
)

ACCOUNTS = "projects/accounts"
_SEE = Permission.AccountView


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of an account as the form draws it; `has_value` tells of a stored secret."""

    field: AccountField
    value: Any = ""
    error: str = ""
    has_value: bool = False


@require_GET
@page(_SEE)
def account_list(request: PageRequest) -> HttpResponse:
    """List the accounts, by name and type."""
    asked = filters_of(request)
    text, kind = asked["q"].strip(), asked["type"]
    rows = Account.objects.visible_to(request.actor, request.space, _SEE)
    total = rows.count()
    if text:
        rows = rows.filter(name__icontains=text)
    if kind in ACCOUNT_TYPES:
        rows = rows.filter(account_type=kind)
    part = page_of(request, rows)
    places = environment_names(request, part.object_list)
    values = {
        "page": part,
        "rows": [(row, places[row.pk]) for row in part.object_list],
        "total": total,
        "text": text,
        "kind": kind,
        "types": ACCOUNT_TYPES.values(),
        "may_create": request.grants.allows_anywhere(Permission.AccountCreate),
    }
    return show(request, "projects/accounts.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.AccountCreate)
def account_new(request: PageRequest) -> HttpResponse:
    """Choose a type, then fill its form."""
    kind = ACCOUNT_TYPES.get(request.GET.get("type", ""))
    if kind is None:
        return show(request, "projects/account_types.html", {"types": ACCOUNT_TYPES.values()})
    if request.method == "GET":
        return _form(request, kind, None)
    offered = offered_environments(request, Permission.AccountCreate)
    row, problems = attempt(
        lambda: create_account(
            actor=request.actor,
            space=request.space,
            account_type=kind.name,
            account=AccountInput(
                name=request.POST.get("name", ""),
                description=request.POST.get("description", ""),
                values=_sent(request, kind),
                restrictions=sent_restrictions(request, offered),
            ),
        )
    )
    if row is None:
        return _form(request, kind, None, problems)
    messages.success(request, f"The account {row.name} was created. Variables can name it now.")
    return go(request, f"{ACCOUNTS}/{row.public_id}")


@require_http_methods(["GET", "POST"])
@page(_SEE)
def account_page(request: PageRequest, account: str) -> HttpResponse:
    """Show an account and what uses it; change it."""
    row = find(request, Account, account, _SEE)
    if request.method == "GET":
        return _form(request, row.type, row)
    offered = offered_environments(request, Permission.AccountEdit)
    saved, problems = attempt(
        lambda: update_account(
            actor=request.actor,
            row=find(request, Account, account, _SEE),
            account=AccountInput(
                name=request.POST.get("name", ""),
                slug=request.POST.get("slug", ""),
                description=request.POST.get("description", ""),
                values=_sent(request, row.type),
                restrictions=sent_restrictions(request, offered, row),
            ),
        )
    )
    if saved is None:
        return _form(request, row.type, row, problems)
    messages.success(
        request, f"The account {saved.name} was saved. Deployments that start now use it."
    )
    return go(request, f"{ACCOUNTS}/{row.public_id}")


@require_POST
@page(Permission.AccountDelete)
def account_delete(request: PageRequest, account: str) -> HttpResponse:
    """Delete an account that nothing names."""
    row = find(request, Account, account, _SEE)
    return carry_out(
        request,
        lambda: delete_account(actor=request.actor, row=row),
        f"The account {row.name} was deleted.",
        to=ACCOUNTS,
        refused=f"{ACCOUNTS}/{row.public_id}",
    )


def _sent(request: PageRequest, kind: AccountType) -> dict[str, Any]:
    """Return the values of the form; an empty secret keeps the stored one unless it shall go."""
    return {each.name: _sent_value(request, each) for each in kind.fields}


def _sent_value(request: PageRequest, each: AccountField) -> Any:
    if each.form is Form.KEYS:
        return request.POST.getlist(each.name)
    text = request.POST.get(each.name, "").replace("\r\n", "\n")
    if each.is_secret and not text:
        return "" if checked(request, f"remove:{each.name}") else None
    return text


def _form(
    request: PageRequest,
    kind: AccountType,
    row: Account | None,
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    may_edit = row is None or allows_on(request.actor, row, Permission.AccountEdit)
    is_sent = request.method == "POST"
    secrets = account_secrets(row) if row else {}
    values = {
        "account": row,
        "type": kind,
        "fields": [_drawn(request, each, row, secrets, problems) for each in kind.fields],
        "subject_keys": SUBJECT_KEYS,
        "name": request.POST.get("name", "") if is_sent else getattr(row, "name", ""),
        "slug": request.POST.get("slug", "") if is_sent else getattr(row, "slug", ""),
        "description": request.POST.get("description", "")
        if is_sent
        else getattr(row, "description", ""),
        "values": restriction_values(request, row, is_sent=is_sent),
        "environments": offered_environments(
            request, Permission.AccountEdit if row else Permission.AccountCreate
        ),
        "may_edit": may_edit,
        "may_delete": row and allows_on(request.actor, row, Permission.AccountDelete),
        **(uses_frame(request, row) if row else {}),
        "placed": environment_names(request, [row])[row.pk] if row else [],
    }
    return show(request, "projects/account.html", values, problems)


def _drawn(
    request: PageRequest,
    each: AccountField,
    row: Account | None,
    secrets: Mapping[str, str],
    problems: Problems,
) -> FormField:
    error = problems.fields.get(each.name, "")
    if each.is_secret:
        return FormField(each, error=error, has_value=each.name in secrets)
    if request.method == "POST":
        return FormField(each, _sent_value(request, each), error)
    if row is None:
        value: Any = list(DEFAULT_SUBJECT_KEYS) if each.form is Form.KEYS else ""
        return FormField(each, value, error)
    return FormField(each, row.details.get(each.name, ""), error)
