"""Terminal colors in log lines as classes of the theme; every other escape sequence is dropped."""

import re
from typing import Final

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

_SEQUENCE: Final = re.compile(
    "\x1b(?:\\[([0-9;]*)m|\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|[@-_])"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_COLORS: Final = {1: "red", 2: "green", 3: "yellow", 4: "blue", 5: "blue", 6: "cyan"}
_BOLD: Final = 1
_COLOR_TENS: Final = (3, 9)
_EXTENDED: Final = (38, 48)
_EXTENDED_PARTS: Final = {5: 2, 2: 4}


def ansi_html(text: str) -> SafeString:
    """Return the text escaped, its colors as spans."""
    if "\x1b" not in text:
        return conditional_escape(_CONTROL.sub("", text))
    html = SafeString("")
    classes: tuple[str, ...] = ()
    position = 0
    for match in _SEQUENCE.finditer(text):
        html += _piece(text[position : match.start()], classes)
        position = match.end()
        if match[1] is not None:
            classes = _after(match[1], classes)
    return html + _piece(text[position:], classes)


def _piece(text: str, classes: tuple[str, ...]) -> SafeString:
    clean = _CONTROL.sub("", text)
    if not clean or not classes:
        return conditional_escape(clean)
    return format_html('<span class="{}">{}</span>', " ".join(classes), clean)


def _after(codes: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes after a color sequence; colors of 256 and of 16 million are not shown."""
    current = set(classes)
    parts = [int(part or 0) for part in codes.split(";")]
    while parts:
        code = parts.pop(0)
        color = _COLORS.get(code % 10) if code // 10 in _COLOR_TENS else None
        if code == 0:
            current = set()
        elif code == _BOLD:
            current.add("ansi-bold")
        elif code in _EXTENDED:
            del parts[: _EXTENDED_PARTS.get(parts[0] if parts else 0, 0)]
        if code // 10 in _COLOR_TENS:
            current = {name for name in current if name == "ansi-bold"}
            if color:
                current.add(f"ansi-{color}")
    return tuple(sorted(current))
