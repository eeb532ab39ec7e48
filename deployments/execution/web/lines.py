"""Log lines as HTML. The browser writes live lines in the same form (static/js/task.js)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from deployments.base.web.ansi import ansi_html
from deployments.execution.logs.queries import Line

_CLASSES: Final = {
    "warning": "line-warn",
    "error": "line-error",
    "fatal": "line-error",
    "verbose": "line-verbose",
    "highlight": "line-highlight",
}
_WORDS: Final = {"warning": "Warning", "error": "Error", "fatal": "Fatal"}
BAD_LEVELS: Final = frozenset({"error", "fatal"})


def lines_html(prefix: str, lines: Iterable[Line], *, anchors: bool = True) -> SafeString:
    """Return the lines of a node; `prefix` (`exec-7`) begins their anchors.

    An excerpt has no anchors of its own and links to the line in the log.
    """
    rows = ((line_html(prefix, line, anchors=anchors),) for line in lines)
    return format_html_join("", "{}", rows)


def line_html(prefix: str, line: Line, *, anchors: bool = True) -> SafeString:
    """Return one line with its number as a link, time and text."""
    place = f"{prefix}-L{line.number}"
    moment = datetime.fromtimestamp(line.time_ms / 1000, tz=UTC)
    word = _WORDS.get(line.level)
    return format_html(
        '<div class="line{}"{}><a href="#{}" tabindex="-1">{}</a>'
        '<time datetime="{}">{}</time><span>{}{}</span></div>',
        f" {_CLASSES[line.level]}" if line.level in _CLASSES else "",
        format_html(' id="{}"', place) if anchors else "",
        place,
        line.number,
        moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        f"{moment:%H:%M:%S}",
        format_html('<span class="level">{}</span> ', word) if word else "",
        ansi_html(line.text),
    )


def excerpt(lines: Sequence[Line], most: int = 6) -> list[Line]:
    """Return the lines that say what went wrong: the last errors and the line before them."""
    at = [index for index, line in enumerate(lines) if line.level in BAD_LEVELS]
    if not at:
        return list(lines[-most:])
    last = at[-1]
    first = last
    while first - 1 in at and last - first < most - 2:
        first -= 1
    return list(lines[max(0, first - 1) : last + 1])
