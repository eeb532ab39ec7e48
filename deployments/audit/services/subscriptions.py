"""Creating, changing and deleting subscriptions."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.db import transaction

from deployments.access.models import User
from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.access.queries import teams_visible_to
from deployments.access.scope_values import NOUNS, visible_names
from deployments.audit.broken import KNOWN_VALUES
from deployments.audit.filters import MOST_VALUES, WIRE, EventFilter, filter_to_wire
from deployments.audit.models import Subscription
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import require_free_name, required_name
from deployments.base.secrets import Secret, secret_box

PRIORITIES: Final = ("Normal", "High", "Low")
LEAST_PERIOD_S: Final = 60
MOST_PERIOD_S: Final = 7 * 24 * 3600
MOST_TIMEOUT_S: Final = 30
_LONGEST_URI: Final = 2000
_LONGEST_HEADER: Final = 4000
_HEADER_CHARACTERS: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
)
# Headers that are the server's own.
_OWN_HEADERS: Final = {"host", "content-length", "content-type", "transfer-encoding", "connection"}
_SCOPES: Final = {
    "projects": "project",
    "project_groups": "project_group",
    "environments": "environment",
    "tenants": "tenant",
    "tags": "tenant_tag",
}


@dataclass(frozen=True, slots=True, repr=False)
class SubscriptionValues:
    """What people say about a subscription; a `header_value` of None keeps the stored one."""

    name: str
    is_disabled: bool = False
    wanted: EventFilter = field(default_factory=EventFilter)
    email_teams: tuple[str, ...] = ()
    email_period_s: int = 3600
    email_priority: str = "Normal"
    time_zone: str = "UTC"
    webhook_uri: str = ""
    webhook_teams: tuple[str, ...] = ()
    webhook_timeout_s: int = 10
    header_name: str = ""
    header_value: str | None = None


def create_subscription(
    *, actor: Actor, space: Space, values: SubscriptionValues, clock: Clock = utc_now
) -> Subscription:
    """Create a subscription to what happens from now on. Raises NotPermitted, Invalid."""
    require(actor, space, Permission.SubscriptionCreate)
    row = Subscription(space=space)
    with transaction.atomic():
        _take(actor, row, values)
        row.save()
        _seal_header(row, values.header_value or "")
        _seal_key(row, _new_key())
        row.begins_after = _record(actor, row, "Created", "was created", before={}, clock=clock)
        row.save()
    return row


def change_subscription(
    *, actor: Actor, subscription: Subscription, values: SubscriptionValues, clock: Clock = utc_now
) -> Subscription:
    """Change a subscription, which then is the actor's. Raises NotPermitted, Invalid.

    Another address needs the header's value anew: whoever may edit must not learn it.
    """
    row = subscription
    require(actor, row.space, Permission.SubscriptionEdit)
    before, uri, was_disabled = subscription_snapshot(row), row.webhook_uri, row.is_disabled
    keeps = values.header_value is None
    if keeps and row.sealed_header and values.webhook_uri.strip() != uri:
        text = "Enter the header's value again, because the address is another one."
        raise Invalid(fields={"WebhookHeaderValue": [text]})
    with transaction.atomic():
        _take(actor, row, values)
        if not keeps or not row.header_name:
            _seal_header(row, values.header_value or "")
        event = _record(actor, row, "Modified", "was changed", before=before, clock=clock)
        row.begins_after = event if was_disabled else row.begins_after
        row.save()
    return row


def delete_subscription(
    *, actor: Actor, subscription: Subscription, clock: Clock = utc_now
) -> None:
    """Delete a subscription and its log. Raises NotPermitted."""
    require(actor, subscription.space, Permission.SubscriptionDelete)
    with transaction.atomic():
        events.record(
            actor=actor,
            space=subscription.space,
            category="Deleted",
            message=f"Subscription {subscription.name} was deleted",
            subject=subscription.public_id,
            before=subscription_snapshot(subscription),
            clock=clock,
        )
        subscription.delete()


def renew_key(*, actor: Actor, subscription: Subscription, clock: Clock = utc_now) -> Secret:
    """Make a new key for signatures and return it, for the only time. Raises NotPermitted."""
    require(actor, subscription.space, Permission.SubscriptionEdit)
    key, before = _new_key(), subscription_snapshot(subscription)
    with transaction.atomic():
        _seal_key(subscription, key)
        subscription.save(update_fields=["sealed_key"])
        _record(
            actor, subscription, "Modified", "has a new signing key", before=before, clock=clock
        )
    return Secret(key)


def subscription_snapshot(row: Subscription) -> dict[str, Any]:
    """Return what the audit shows of a subscription."""
    return {
        "Name": row.name,
        "IsDisabled": row.is_disabled,
        **{f"Filter.{name}": values for name, values in row.wanted.items() if values},
        "EmailTeams": row.email_teams,
        "EmailPeriod": row.email_period_s,
        "EmailPriority": row.email_priority,
        "TimeZone": row.time_zone,
        "WebhookURI": row.webhook_uri,
        "WebhookTeams": row.webhook_teams,
        "WebhookTimeout": row.webhook_timeout_s,
        "WebhookHeaderKey": row.header_name,
        "HasWebhookHeaderValue": bool(row.sealed_header),
        "Owner": f"Users-{row.owner_id}" if row.owner_id else None,
    }


def _take(actor: Actor, row: Subscription, values: SubscriptionValues) -> None:
    """Put checked values into the row; raises Invalid."""
    row.name = required_name(values.name)
    require_free_name(row, "A subscription")
    problems = _problems(values)
    if problems:
        raise Invalid(fields=problems)
    row.owner = User.objects.filter(pk=actor.user_id or 0).first()
    row.is_disabled = values.is_disabled
    row.wanted = filter_to_wire(_checked_filter(actor, row, values.wanted))
    row.email_teams = _teams(actor, row, "EmailTeams", values.email_teams)
    row.webhook_teams = _teams(actor, row, "WebhookTeams", values.webhook_teams)
    row.email_period_s, row.email_priority = values.email_period_s, values.email_priority
    row.time_zone = values.time_zone
    row.webhook_uri, row.webhook_timeout_s = values.webhook_uri.strip(), values.webhook_timeout_s
    row.header_name, row.problem = values.header_name.strip(), ""


def _problems(values: SubscriptionValues) -> Mapping[str, list[str]]:
    problems: dict[str, list[str]] = {}
    if values.webhook_uri.strip() and not _is_address(values.webhook_uri.strip()):
        text = "An address that begins with http:// or https:// and has no password in it."
        problems["WebhookURI"] = [text]
    if not 1 <= values.webhook_timeout_s <= MOST_TIMEOUT_S:
        problems["WebhookTimeout"] = [f"1 to {MOST_TIMEOUT_S} seconds."]
    if not LEAST_PERIOD_S <= values.email_period_s <= MOST_PERIOD_S:
        problems["EmailFrequencyPeriod"] = ["From one minute to seven days."]
    if values.email_priority not in PRIORITIES:
        problems["EmailPriority"] = [f"One of {', '.join(PRIORITIES)}."]
    if not _is_zone(values.time_zone):
        problems["EmailShowDatesInTimeZoneId"] = ["A time zone such as UTC or Europe/Berlin."]
    name = values.header_name.strip()
    if not set(name) <= _HEADER_CHARACTERS or name.lower() in _OWN_HEADERS or len(name) > 200:  # noqa: PLR2004 a limit named by this rule alone
        problems["WebhookHeaderKey"] = ["The name of a header that is not one of HTTP's own."]
    value = values.header_value or ""
    if len(value) > _LONGEST_HEADER or not value.isascii() or not value.isprintable():
        problems["WebhookHeaderValue"] = ["One line of ASCII characters."]
    return problems


def _is_address(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        # Reading it checks it.
        _ = parts.port
    except ValueError:
        return False
    is_plain = uri.isprintable() and not any(char.isspace() for char in uri)
    is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    return is_plain and is_web and uri.isascii() and len(uri) <= _LONGEST_URI


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return bool(name)


def _checked_filter(actor: Actor, row: Subscription, wanted: EventFilter) -> EventFilter:
    """Return the filter with ids as they are stored; raises Invalid for what is not to be seen.

    What the subscription named already may stay, also when the actor does not see it.
    """
    scopes = [kind for name, kind in _SCOPES.items() if getattr(wanted, name)]
    names = visible_names(actor, row.space, scopes)
    found: dict[str, Any] = {}
    for name, wire in WIRE.items():
        values = getattr(wanted, name)
        if len(values) > MOST_VALUES:
            raise Invalid(fields={wire: [f"At most {MOST_VALUES} values."]})
        stored = row.wanted.get(wire, ())
        taken = []
        for text in values:
            if name in _SCOPES:
                canonical = text if text in stored else names.canonical(_SCOPES[name], text)
                what = NOUNS[_SCOPES[name]][0]
            elif name == "users":
                canonical, what = _user(text), "user"
            else:
                lower = {key.lower(): key for key in KNOWN_VALUES[name]}
                canonical, what = lower.get(text.lower()), "value"
            if canonical is None:
                raise Invalid(fields={wire: [f"There is no {what} {text[:100]}."]})
            taken.append(canonical)
        found[name] = tuple(dict.fromkeys(taken))
    return EventFilter(**found)


def _user(text: str) -> str | None:
    prefix, _, number = text.partition("-")
    is_one = prefix.lower() == "users" and (number.isdigit() or number.lower() == "system")
    if not is_one or len(number) > 18:  # noqa: PLR2004 the digits of a column
        return None
    return f"Users-{number}" if number.isdigit() else "users-system"


def _teams(actor: Actor, row: Subscription, wire: str, ids: Iterable[str]) -> list[str]:
    wanted = list(ids)
    if not wanted:
        return []
    stored = [*row.email_teams, *row.webhook_teams]
    seen = {team.public_id.lower(): team.public_id for team in teams_visible_to(actor, row.space)}
    seen |= {text.lower(): text for text in stored}
    for text in wanted:
        if text.lower() not in seen:
            raise Invalid(fields={wire: [f"There is no team {text[:100]}."]})
    return list(dict.fromkeys(seen[text.lower()] for text in wanted))


def _new_key() -> str:
    return secrets.token_urlsafe(32)


def _seal_header(row: Subscription, value: str) -> None:
    sealed = secret_box().seal(value, place=row.header_place) if value and row.header_name else None
    row.sealed_header = sealed


def _seal_key(row: Subscription, key: str) -> None:
    row.sealed_key = secret_box().seal(key, place=row.key_place)


def _record(
    actor: Actor,
    row: Subscription,
    category: str,
    what: str,
    *,
    before: dict[str, Any],
    clock: Clock,
) -> int:
    """Record the act; return the event's number."""
    event = events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Subscription {row.name} {what}",
        subject=row.public_id,
        before=before,
        after=subscription_snapshot(row),
        clock=clock,
    )
    return event.pk
