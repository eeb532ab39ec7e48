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
_BOLD, _FOREGROUND, _BRIGHT, _COLOR_COUNT = 1, 30, 90, 8


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
    current = dict.fromkeys(classes)
    for part in codes.split(";"):
        code = int(part or 0)
        if code == 0:
            current = {}
        elif code == _BOLD:
            current["ansi-bold"] = None
        for base in (_FOREGROUND, _BRIGHT):
            if base <= code < base + _COLOR_COUNT:
                current = {name: None for name in current if name == "ansi-bold"}
                if color := _COLORS.get(code - base):
                    current[f"ansi-{color}"] = None
    return tuple(current)
