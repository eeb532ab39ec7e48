"""Subscriptions: the list, one with the log of its deliveries, and what can be done with it."""

from django.contrib import messages
from django.db.models import Max
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.scope_values import ScopeNames, visible_names
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    go,
    page_of,
    show,
)
from deployments.access.web.pages import PageRequest, find, page
from deployments.audit.broken import broken_parts
from deployments.audit.models import Delivery, DeliveryState, Subscription
from deployments.audit.queries import events_visible_to
from deployments.audit.services import subscriptions as services
from deployments.audit.services.delivering import send_again, try_webhook
from deployments.audit.signing import HEADER
from deployments.audit.subscribers import teams_of
from deployments.audit.web.subscription_form import (
    choices_of_form,
    form_of,
    people_of_form,
    period_words,
    sent_form,
    values_of,
    words_of,
)
from deployments.base import public_ids
from deployments.base.errors import NotFound

_PATH = "administration/subscriptions"


@require_GET
@page(Permission.SubscriptionView)
def subscription_list(request: PageRequest) -> HttpResponse:
    """List the subscriptions of the space with what became of their last delivery."""
    rows = Subscription.objects.visible_to(
        request.actor, request.space, Permission.SubscriptionView
    )
    subscriptions = list(rows.select_related("owner"))
    sent = Delivery.objects.in_space(request.space).exclude(state=DeliveryState.COLLECTING)
    newest = sent.order_by().values("subscription").annotate(newest=Max("pk")).values("newest")
    last = {row.subscription_id: row for row in sent.filter(pk__in=newest)}
    names = visible_names(request.actor, request.space) if subscriptions else ScopeNames({})
    broken = broken_parts(request.space, subscriptions)
    values = {
        "subscriptions": [
            (row, words_of(names, row), last.get(row.pk), broken.get(row.pk, ()))
            for row in subscriptions
        ],
        "may_create": request.grants.allows(Permission.SubscriptionCreate),
    }
    return show(request, "audit/subscriptions.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.SubscriptionCreate)
def subscription_new(request: PageRequest) -> HttpResponse:
    """Create a subscription; its signing key is shown once."""
    if request.method == "GET":
        return _form(request, None, form_of(None))
    form = sent_form(request)
    row, problems = attempt(
        lambda: services.create_subscription(
            actor=request.actor, space=request.space, values=values_of(form, keeps=False)
        )
    )
    if row is None:
        return _form(request, None, form, problems)
    messages.success(request, f"{row.name} was created. It tells what happens from now on.")
    return go(request, f"{_PATH}/{row.public_id}")


@require_GET
@page(Permission.SubscriptionView)
def subscription_people(request: PageRequest) -> HttpResponse:
    """Offer people whose names have a text, below those whom the form has chosen."""
    return show(request, "audit/_people_choices.html", {"people": people_of_form(request)})


@require_GET
@page(Permission.SubscriptionView)
def subscription_page(request: PageRequest, subscription: str) -> HttpResponse:
    """Show a subscription and its deliveries, newest first."""
    return _page(request, _find(request, subscription))


@require_http_methods(["GET", "POST"])
@page(Permission.SubscriptionEdit)
def subscription_edit(request: PageRequest, subscription: str) -> HttpResponse:
    """Change a subscription."""
    row = _find(request, subscription)
    if request.method == "GET":
        return _form(request, row, form_of(row))
    form = sent_form(request)
    saved, problems = attempt(
        lambda: services.change_subscription(
            actor=request.actor,
            subscription=_find(request, subscription),
            values=values_of(form, keeps=not request.POST.get("no_header_value")),
        )
    )
    if saved is None:
        return _form(request, row, form, problems)
    messages.success(request, f"{saved.name} was saved.")
    return go(request, f"{_PATH}/{saved.public_id}")


@require_POST
@page(Permission.SubscriptionDelete)
def subscription_delete(request: PageRequest, subscription: str) -> HttpResponse:
    """Delete a subscription."""
    row = _find(request, subscription)
    name = row.name
    services.delete_subscription(actor=request.actor, subscription=row)
    messages.success(request, f"{name} was deleted.")
    return go(request, _PATH)


@require_POST
@page(Permission.SubscriptionEdit)
def subscription_test(request: PageRequest, subscription: str) -> HttpResponse:
    """Send a test to the web address."""
    row = _find(request, subscription)
    answer, problems = attempt(lambda: try_webhook(actor=request.actor, subscription=row))
    if answer is None:
        messages.error(request, problems.errors[0])
    else:
        messages.success(request, f"The address took the test: it answered {answer.status}.")
    return go(request, f"{_PATH}/{row.public_id}")


@require_POST
@page(Permission.SubscriptionEdit)
def subscription_key(request: PageRequest, subscription: str) -> HttpResponse:
    """Make a new signing key and show it, for the only time."""
    row = _find(request, subscription)
    key = services.renew_key(actor=request.actor, subscription=row)
    return _page(request, row, key=key.reveal())


@require_POST
@page(Permission.SubscriptionEdit)
def delivery_again(request: PageRequest, subscription: str, delivery: str) -> HttpResponse:
    """Have a delivery sent again."""
    row = _find(request, subscription)
    number = public_ids.require(Delivery.id_prefix, delivery)
    rows = Delivery.objects.in_space(request.space).filter(subscription=row)
    found = rows.select_related("subscription", "space").filter(pk=number).first()
    if found is None:
        raise NotFound
    return carry_out(
        request,
        lambda: send_again(actor=request.actor, delivery=found),
        "It is sent again within some seconds.",
        to=f"{_PATH}/{row.public_id}",
    )


def _find(request: PageRequest, text: str) -> Subscription:
    return find(request, Subscription, text, Permission.SubscriptionView)


def _page(request: PageRequest, row: Subscription, key: str = "") -> HttpResponse:
    rows = Delivery.objects.in_space(request.space).filter(subscription=row)
    shown = page_of(request, rows.select_related("recipient"))
    pks = [each.event_ids[0] for each in shown if each.recipient_id is None and each.event_ids]
    told = events_visible_to(request.actor, request.space).filter(pk__in=pks)
    values = {
        "subscription": row,
        "period": period_words(row),
        "told": dict(told.values_list("pk", "message")),
        "words": words_of(visible_names(request.actor, request.space), row),
        "page": shown,
        "email_teams": [team.name for team in teams_of(row.email_teams)],
        "webhook_teams": [team.name for team in teams_of(row.webhook_teams)],
        "broken": broken_parts(request.space, [row]).get(row.pk, ()),
        "is_silent": row.owner is None or not row.owner.is_active,
        "key": key,
        "signature_header": HEADER,
        "may_edit": request.grants.allows(Permission.SubscriptionEdit),
        "may_delete": request.grants.allows(Permission.SubscriptionDelete),
    }
    return show(request, "audit/subscription.html", values)


def _form(
    request: PageRequest,
    row: Subscription | None,
    form: dict[str, object],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    values = {
        "subscription": row,
        "sent": form,
        "has_header_value": bool(row and row.sealed_header),
        **choices_of_form(request, form),
    }
    return show(request, "audit/subscription_form.html", values, problems)
