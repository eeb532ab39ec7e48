"""The filter that the address of a page or of a REST call asks for."""

from datetime import datetime, time, timedelta
from typing import Any

from django.utils.dateparse import parse_date

from deployments.audit.filters import LONGEST_VALUE, EventFilter
from deployments.base.api import dates
from deployments.base.api.query import Query


def asked_filter(query: Query) -> EventFilter:
    """Return what a REST call asks for. Raises Invalid."""

    def texts(*names: str) -> tuple[str, ...]:
        return tuple(text for name in names for text in query.texts(name))

    return EventFilter(
        users=texts("users", "user"),
        categories=texts("eventCategories"),
        groups=texts("eventGroups"),
        projects=texts("projects"),
        project_groups=texts("projectGroups"),
        environments=texts("environments"),
        tenants=texts("tenants"),
        tags=texts("tags"),
        agents=texts("eventAgents"),
        document_types=texts("documentTypes"),
        regarding=texts("regarding"),
        regarding_any=texts("regardingAny"),
        begin=_moment(query, "from"),
        end=_moment(query, "to"),
    )


def page_filter(query: Query, problems: list[str]) -> EventFilter:
    """Return what the address of the page asks for; a date that is none is told and left out."""

    def one(name: str) -> tuple[str, ...]:
        text = query.text(name)[:LONGEST_VALUE]
        return (text,) if text else ()

    kind = query.text("kind")
    group, _, category = kind.partition(":") if kind.startswith("group:") else ("", "", kind)
    return EventFilter(
        users=one("person"),
        categories=(category,) if category and not group else (),
        groups=(category,) if group else (),
        projects=one("project"),
        project_groups=one("project_group"),
        environments=one("environment"),
        tenants=one("tenant"),
        tags=one("tenant_tag"),
        agents=one("client"),
        document_types=one("type"),
        regarding=one("about"),
        begin=_day(query, "from", problems),
        end=_day(query, "to", problems, is_end=True),
        text=query.text("q")[:LONGEST_VALUE],
        username=query.text("user")[:LONGEST_VALUE],
    )


def _moment(query: Query, name: str) -> datetime | None:
    text = query.text(name)
    return dates.from_wire(text, field=name) if text else None


def _day(query: Query, name: str, problems: list[str], **options: Any) -> datetime | None:
    text = query.text(name)
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if text and day is None:
        problems.append(f"{text[:20]} is no date such as 2026-11-23.")
    if day is None:
        return None
    start = dates.from_wire(day.isoformat(), field=name)
    if not options.get("is_end"):
        return start
    try:
        return start.combine(day + timedelta(days=1), time.min, tzinfo=start.tzinfo)
    except OverflowError:
        return start
