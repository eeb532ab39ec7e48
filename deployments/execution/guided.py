"""Guided failure: what people may answer when an action has failed; free of Django."""

from enum import StrEnum

from deployments.execution.plan import SERVER_PLACE

KIND = "GuidedFailure"


class Answer(StrEnum):
    """What came of the question about a failed attempt; PENDING while nobody has answered."""

    NONE = ""
    PENDING = "Pending"
    FAIL = "Fail"
    RETRY = "Retry"
    IGNORE = "Ignore"
    EXCLUDE = "Exclude"


# The failure does not count.
FORGIVEN = frozenset({Answer.IGNORE, Answer.EXCLUDE})


def choices(*, is_required: bool, target_id: str) -> tuple[Answer, ...]:
    """Return what may be answered: a required action must not be passed over."""
    if is_required:
        return (Answer.RETRY, Answer.FAIL)
    if target_id == SERVER_PLACE:
        return (Answer.RETRY, Answer.IGNORE, Answer.FAIL)
    return (Answer.RETRY, Answer.IGNORE, Answer.EXCLUDE, Answer.FAIL)


def answer_of(*, is_pending: bool, result: str) -> Answer:
    """Read the answer of a stored question; one that was closed otherwise counts as failure."""
    if is_pending:
        return Answer.PENDING
    return Answer(result) if result in set(Answer) - {Answer.NONE} else Answer.FAIL
