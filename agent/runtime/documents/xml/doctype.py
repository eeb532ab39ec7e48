"""Find the end of a document type declaration, of which nothing else is ever read."""

import re

_MARKS = re.compile(r"<!--|<\?|[\"'\[\]>]")
_CLOSING = {"<!--": "-->", "<?": "?>", '"': '"', "'": "'"}


def doctype_end(text: str, start: int) -> int:
    """Return where a document type ends, over quotes, comments and its inner part; -1 if never."""
    inside, here = False, start
    while match := _MARKS.search(text, here):
        here = match.end()
        closing = _CLOSING.get(match[0])
        if closing is not None:
            end = text.find(closing, here)
            if end < 0:
                return -1
            here = end + len(closing)
        elif match[0] == ">":
            if not inside:
                return here
        else:
            inside = match[0] == "["
    return -1
