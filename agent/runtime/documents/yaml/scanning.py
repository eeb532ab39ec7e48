"""What reading YAML is made of: gaps between tokens, markers, anchors, tags and aliases."""

import re
from bisect import bisect_right

from agent.runtime.documents.common import BrokenDocument, Budget
from agent.runtime.documents.yaml.scalars import BLANKS, BREAK, MARKER

_SPACE = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"#[^\r\n]*")
_PROPERTY = re.compile(r"&[^ \t\r\n,\[\]{}]+|!<[^>\s]*>|![^ \t\r\n,\[\]{}]*")
_ALIAS = re.compile(r"\*[^ \t\r\n,\[\]{}]+")
FLOW_MARKS = ",[]{}"


class LineStarts:
    """Tells where the line of a place begins, without a look at all that stands before it."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in BREAK.finditer(text))]

    def before(self, place: int) -> int:
        return self._starts[bisect_right(self._starts, place) - 1]


class Scanner:
    """Looks at a text; every method takes a place in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.budget = Budget()
        self._lines = LineStarts(text)

    def fail(self, message: str, place: int) -> BrokenDocument:
        return BrokenDocument(message, self.text, place)

    def column(self, place: int) -> int:
        return place - self._lines.before(place)

    def begins_line(self, place: int) -> bool:
        return place == 0 or self.text[place - 1] in "\r\n"

    def is_marker(self, place: int) -> bool:
        """Tell whether `---` or `...` stands here at the beginning of a line."""
        return self.begins_line(place) and MARKER.match(self.text, place) is not None

    def at_end(self, place: int) -> bool:
        return place >= len(self.text) or self.is_marker(place)

    def blank_at(self, place: int) -> bool:
        return place >= len(self.text) or self.text[place] in BLANKS

    def skip_blanks(self, place: int) -> int:
        match = _SPACE.match(self.text, place)
        return match.end() if match else place

    def gap(self, place: int, *, in_flow: bool = False) -> tuple[int, bool]:
        """Skip blanks, comments and line breaks; return where and whether a line began."""
        here, crossed = place, False
        while True:
            start = here
            here = self.skip_blanks(here)
            comment = _COMMENT.match(self.text, here)
            if comment and (here == 0 or self.text[here - 1] in BLANKS):
                here = comment.end()
            line_break = BREAK.match(self.text, here)
            if line_break is None:
                is_tab = crossed and "\t" in self.text[start:here] and here < len(self.text)
                if is_tab and not in_flow:
                    raise self.fail("a tab cannot indent", start)
                return here, crossed
            here, crossed = line_break.end(), True

    def properties(self, place: int) -> tuple[int, bool]:
        """Skip anchor and tag; return the place behind them and whether a line began between."""
        here, crossed = place, False
        while (found := _PROPERTY.match(self.text, here)) is not None:
            here = found.end()
            if not self.blank_at(here) and self.text[here] not in FLOW_MARKS:
                raise self.fail("a blank is missing behind an anchor or tag", here)
            following, moved = self.gap(here)
            if _PROPERTY.match(self.text, following) and not moved:
                here = following
        return here, crossed

    def alias_end(self, place: int) -> int:
        match = _ALIAS.match(self.text, place)
        if match is None:
            raise self.fail("an alias has no name", place)
        return match.end()
