"""Find the end of a document type declaration, of which nothing else is ever read."""

import re

_MARKS = re.compile(r"<!--.*?-->|<\?.*?\?>|\"[^\"]*\"|'[^']*'|[\[\]>]", re.DOTALL)


def doctype_end(text: str, start: int) -> int:
    """Return where a document type ends, over quotes, comments and its inner part; -1 if never."""
    inside, here = False, start
    while match := _MARKS.search(text, here):
        here = match.end()
        if match[0] == "[":
            inside = True
        elif match[0] == "]":
            inside = False
        elif match[0] == ">" and not inside:
            return here
    return -1
