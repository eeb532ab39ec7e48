"""Small parts of pages that are drawn thousands of times, so tags and not components."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from html import escape
from typing import Any, Final

from django import template
from django.http import QueryDict  # noqa: TID251 a page part
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.base.clock import utc_now
from deployments.base.web.markdown import first_paragraph, markdown_html

register = template.Library()

# State of a task, an execution or a machine -> (icon, tone, word).
STATES: Final[Mapping[str, tuple[str, str, str]]] = {
    "Queued": ("queued", "", "Queued"),
    "Pending": ("queued", "", "Pending"),
    "Executing": ("run", "run", "Running"),
    "Running": ("run", "run", "Running"),
    "Waiting": ("waits", "warn", "Waiting"),
    "Paused": ("waits", "warn", "Waiting for a person"),
    "Cancelling": ("run", "warn", "Cancelling"),
    "Success": ("ok", "ok", "Succeeded"),
    "Succeeded": ("ok", "ok", "Succeeded"),
    "SuccessWithWarning": ("warn", "warn", "With warnings"),
    "Failed": ("bad", "bad", "Failed"),
    "Lost": ("bad", "bad", "Outcome unknown"),
    "TimedOut": ("bad", "bad", "Timed out"),
    "Canceled": ("canceled", "", "Canceled"),
    "Skipped": ("skipped", "", "Skipped"),
    "Healthy": ("ok", "ok", "Healthy"),
    "HasWarnings": ("warn", "warn", "Has warnings"),
    "Unhealthy": ("bad", "bad", "Unhealthy"),
    "Unavailable": ("offline", "bad", "Not connected"),
    "Unknown": ("queued", "", "Never connected"),
    "Disabled": ("canceled", "", "Disabled"),
}

_STEPS: Final = (
    (timedelta(days=365), "y"),
    (timedelta(days=30), "mo"),
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
)


# Drawn again and again with few different words: a drawing is made once.
_DRAWINGS: Final = 1024


@register.simple_tag
@lru_cache(_DRAWINGS)
def icon(name: str, tone: str = "") -> SafeString:
    """Draw an icon of the sprite; always beside a word."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#i-{}"/></svg>',
        f" {tone}" if tone else "",
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
@lru_cache(_DRAWINGS)
def state(name: str, size: str = "", word: str = "") -> SafeString:
    """Draw a state's badge (icon and word); `size` is "", "quiet" or "large"."""
    drawing, tone, known_word = STATES.get(str(name), ("queued", "", str(name)))
    if size == "quiet" and tone not in {"", "ok"}:
        size = ""
    classes = "".join(f" state-{part}" for part in (tone, size) if part)
    return format_html(
        '<span class="state{}">{}{}</span>', classes, icon(drawing), word or known_word
    )


@register.filter
def state_word(name: str) -> str:
    """Return the word for a state."""
    return STATES.get(str(name), ("", "", str(name)))[2]


@register.simple_tag
def state_icon(name: str) -> SafeString:
    """Draw a state's icon with its word for screen readers, where names stand in a tree."""
    drawing, tone, word = STATES.get(str(name), ("queued", "", str(name)))
    return format_html(
        '{}<span class="visually-hidden">{}: </span>', icon(drawing, tone or "subtle"), word
    )


@register.simple_tag
def span(start: datetime, end: datetime | None) -> str:
    """Write how long something took, or takes by now."""
    return duration((end or utc_now()) - start)


@register.simple_tag
def moment(value: datetime | None, suffix: str = "") -> SafeString | str:
    """Draw a time as its age, the exact time on hover."""
    if value is None:
        return ""
    passed, day, hour = age(value), *value.isoformat(" ", "seconds")[:19].split(" ")
    words = f"{passed} {escape(suffix)}" if suffix and passed != "now" else passed
    time = f'<time datetime="{day}T{hour}Z" title="{day} {hour} UTC" data-age>{words}</time>'
    return SafeString(time)


@register.simple_tag
def options(choices: Iterable[tuple[str, ...]], chosen: str = "") -> SafeString:
    """Draw the options of a select box: each a value, other names for it, and its words."""
    parts = []
    for value, *names in choices:
        mark = " selected" if chosen and chosen in {value, *names[:-1]} else ""
        words = escape(names[-1])
        parts.append(f'<option value="{escape(value)}"{mark}>{words}</option>')
    return SafeString("".join(parts))


@register.filter
def age(value: datetime) -> str:
    """Return how long ago a time was, in one unit."""
    passed = utc_now() - value
    for step, unit in _STEPS:
        if passed >= step:
            return f"{passed // step} {unit}"
    return "now"


@register.filter
def duration(value: timedelta | None) -> str:
    """Return a length of time in words: 1 min 12 s."""
    if value is None:
        return ""
    seconds = max(0, int(value.total_seconds()))
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    if hours:
        return f"{hours} h {minutes:02} min"
    if minutes:
        return f"{minutes} min {rest:02} s"
    return f"{rest} s" if seconds else "under 1 s"


@register.filter
def initials(name: str) -> str:
    """Return up to two letters for an avatar."""
    parts = [part for part in name.replace("-", " ").replace(".", " ").split() if part]
    return "".join(part[0] for part in parts[:2]).upper() or "?"


@register.filter
def get(mapping: Mapping[Any, Any], key: Any) -> Any:
    """Look a key up in a mapping; None when it is not there."""
    return mapping.get(key)


@register.simple_tag(takes_context=True)
def query(context: Mapping[str, Any], **changes: Any) -> str:
    """Return the page's query string with some parameters changed; None removes one."""
    parameters: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None:
            parameters.pop(name, None)
        else:
            parameters[name] = str(value)
    text = parameters.urlencode()
    return f"?{text}" if text else "?"


@register.filter
def markdown(text: str) -> SafeString:
    """Write Markdown as safe HTML."""
    return markdown_html(text)


@register.filter
def excerpt(text: str) -> str:
    """Write the first paragraph of Markdown as plain text."""
    return first_paragraph(text)


_TASK_ID: Final = re.compile(r"\bServerTasks-[1-9][0-9]*\b")


@register.simple_tag(takes_context=True)
def task_links(context: Mapping[str, Any], text: str) -> SafeString:
    """Write a sentence with the tasks that it names as links."""
    html, position = SafeString(""), 0
    for match in _TASK_ID.finditer(text):
        html += format_html("{}", text[position : match.start()])
        html += format_html('<a href="{}/tasks/{}">{}</a>', context["base"], match[0], match[0])
        position = match.end()
    return html + format_html("{}", text[position:])
