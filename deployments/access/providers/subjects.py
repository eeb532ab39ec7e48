"""Which subjects of tokens an identity of a service account means."""


def has_literal(pattern: str) -> bool:
    """Tell whether a pattern says anything: one of wildcards alone would let everybody in."""
    return bool(pattern.strip("*? "))


def subject_fits(pattern: str, subject: str) -> bool:
    """Tell whether the subject is meant; `*` is any text, `?` one character, case counts.

    Takes time in the length of the one times that of the other at most.
    """
    at, here = 0, 0
    star, mark = -1, 0
    while here < len(subject):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in {"?", subject[here]}:
            at += 1
            here += 1
        elif star >= 0:
            mark += 1
            at, here = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")
