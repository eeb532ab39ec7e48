"""The form of a subscription: what it shows, and what was sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from deployments.access.models import User
from deployments.access.queries import teams_visible_to, users_visible_to
from deployments.access.scope_values import KINDS, NOUNS, ScopeNames, visible_names
from deployments.access.web.forms import checked
from deployments.access.web.pages import PageRequest
from deployments.access.web.people import people_named
from deployments.audit.categories import CATEGORIES, GROUP_NAMES, GROUPS
from deployments.audit.clients import CLIENTS, OTHER
from deployments.audit.documents import DOCUMENT_TYPES
from deployments.audit.filters import MOST_VALUES, WIRE, filter_from_wire, filter_to_wire
from deployments.audit.models import Subscription
from deployments.audit.services.subscriptions import PRIORITIES, SubscriptionValues
from deployments.base import public_ids
from deployments.base.numbers import whole_number
from deployments.base.timespans import format_timespan, parse_timespan

PERIODS: Final = (
    ("00:05:00", "5 minutes"),
    ("00:15:00", "15 minutes"),
    ("01:00:00", "hour"),
    ("04:00:00", "4 hours"),
    ("1.00:00:00", "day"),
    ("7.00:00:00", "week"),
)
_TEXTS: Final = ("name", "period", "priority", "zone", "uri", "timeout", "header_name")
_OF_THE_SERVER: Final = "Login"
_MOST_NAMED: Final = 3
_LABELS: Final = {
    "groups": "groups of kinds",
    "categories": "kinds",
    "users": "people",
    "agents": "programs",
    "document_types": "kinds of things",
}


def form_of(row: Subscription | None) -> dict[str, Any]:
    """Return the fields of the form for what is stored, or of a new one."""
    row = row or Subscription()
    return {
        "name": row.name,
        "is_active": not row.is_disabled,
        "period": format_timespan(timedelta(seconds=row.email_period_s)),
        "priority": row.email_priority,
        "zone": row.time_zone,
        "uri": row.webhook_uri,
        "timeout": str(row.webhook_timeout_s),
        "header_name": row.header_name,
        "header_value": "",
        "email_teams": list(row.email_teams),
        "webhook_teams": list(row.webhook_teams),
        **filter_to_wire(filter_from_wire(row.wanted)),
    }


def sent_form(request: PageRequest) -> dict[str, Any]:
    """Return the fields of the form as they were sent."""
    lists = ("email_teams", "webhook_teams", *WIRE.values())
    return {
        **{name: request.POST.get(name, "").strip() for name in _TEXTS},
        "header_value": request.POST.get("header_value", ""),
        "is_active": checked(request, "is_active"),
        **{name: request.POST.getlist(name) for name in lists},
    }


def values_of(form: Mapping[str, Any], *, keeps: bool) -> SubscriptionValues:
    """Return what the form says; with `keeps` an empty header value keeps the stored one."""
    period = parse_timespan(form["period"])
    value = form["header_value"]
    return SubscriptionValues(
        name=form["name"],
        is_disabled=not form["is_active"],
        wanted=filter_from_wire(form),
        email_teams=tuple(form["email_teams"]),
        email_period_s=int(period.total_seconds()) if period else 0,
        email_priority=form["priority"],
        time_zone=form["zone"] or "UTC",
        webhook_uri=form["uri"],
        webhook_teams=tuple(form["webhook_teams"]),
        webhook_timeout_s=whole_number(form["timeout"], digits=5) or 0,
        header_name=form["header_name"],
        header_value=None if keeps and not value else value,
    )


def choices_of_form(request: PageRequest, form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form offers; what is chosen but not to be seen is offered by its id."""
    names = visible_names(request.actor, request.space)
    offered: dict[str, list[tuple[str, str]]] = {
        "groups": [item for item in GROUP_NAMES.items() if item[0] != _OF_THE_SERVER],
        "categories": sorted(_categories(), key=lambda item: item[1]),
        **{name: list(names.of(kind).items()) for name, kind in _scopes()},
        "agents": [*((each.key, each.name) for each in CLIENTS), (OTHER, "Another program")],
        "document_types": sorted(DOCUMENT_TYPES.items(), key=lambda item: item[1]),
    }
    parts = []
    for name, options in offered.items():
        chosen = form[WIRE[name]]
        known = {value for value, _ in options}
        rest = [(value, value) for value in chosen if value not in known]
        if options or rest:
            parts.append((WIRE[name], _label(name), [*options, *rest], chosen))
    teams = teams_visible_to(request.actor, request.space).order_by("name")
    own = [(team.public_id, team.name) for team in teams]
    known_periods = {value for value, _ in PERIODS}
    extra = [] if form["period"] in known_periods else [(form["period"], form["period"])]
    return {
        "parts": parts,
        "people": people_among(request, form[WIRE["users"]], request.GET.get("people", "")),
        "teams": own,
        "periods": [*PERIODS, *extra],
        "priorities": [(name, name) for name in PRIORITIES],
    }


@dataclass(frozen=True, slots=True)
class PeopleChoices:
    """Who is chosen, and others who can be; `is_searched` where these are not all there are."""

    chosen: list[tuple[str, str]]
    others: list[tuple[str, str]]
    text: str
    is_searched: bool


def people_of_form(request: PageRequest) -> PeopleChoices:
    """Return the people for the search of a form that is being filled in."""
    chosen = request.GET.getlist(WIRE["users"])[:MOST_VALUES]
    return people_among(request, chosen, request.GET.get("people", ""))


def people_among(request: PageRequest, chosen: Sequence[str], text: str) -> PeopleChoices:
    """Return whom the form offers; who is chosen but not to be seen is offered by the id."""
    found = people_named(request, text)
    numbers = [public_ids.parse(User.id_prefix, each) for each in chosen]
    seen = users_visible_to(request.actor).filter(pk__in=[pk for pk in numbers if pk])
    names = {user.public_id: user.username for user in seen}
    others = [(user.public_id, user.username) for user in found.rows]
    return PeopleChoices(
        chosen=[(each, names.get(each, each)) for each in chosen],
        others=[(each, name) for each, name in others if each not in chosen],
        text=found.text,
        is_searched=found.is_searched,
    )


def period_words(row: Subscription) -> str:
    """Return how long a digest collects."""
    text = format_timespan(timedelta(seconds=row.email_period_s))
    return dict(PERIODS).get(text, text)


def words_of(names: ScopeNames, row: Subscription) -> list[str]:
    """Return what the subscription wants, in words; nothing when it wants all."""
    wanted = filter_from_wire(row.wanted)
    scopes = dict(_scopes())
    known: dict[str, Mapping[str, str]] = {
        "groups": GROUP_NAMES,
        "categories": CATEGORIES,
        "document_types": DOCUMENT_TYPES,
        **{name: names.of(kind) for name, kind in scopes.items()},
    }
    words = []
    for name in WIRE:
        values = getattr(wanted, name)
        if values:
            shown = [known.get(name, {}).get(value, value) for value in values[:_MOST_NAMED]]
            more = len(values) - len(shown)
            words.append(f"{_label(name)}: {', '.join(shown)}{f' and {more} more' if more else ''}")
    return words


def _categories() -> list[tuple[str, str]]:
    """Return the kinds of events that happen in spaces."""
    return [item for item in CATEGORIES.items() if item[0] not in GROUPS[_OF_THE_SERVER]]


def _scopes() -> list[tuple[str, str]]:
    wire = ("projects", "project_groups", "environments", "tenants", "tags")
    return list(zip(wire, KINDS, strict=True))


def _label(name: str) -> str:
    return (_LABELS.get(name) or NOUNS[dict(_scopes())[name]][1]).capitalize()
