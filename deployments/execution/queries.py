"""Reads of the engine's rows that more than one page needs."""

from django.db.models import Count, Sum

from deployments.execution.models import AgentMessage, LogArchive

_REASON = "an administrator counts what is stored"


def count_archived_logs() -> tuple[int, int]:
    """Return how many logs of all spaces are archived, and their bytes."""
    rows = LogArchive.objects.unscoped(reason=_REASON)
    found = rows.aggregate(number=Count("pk"), size=Sum("size"))
    return found["number"], found["size"] or 0


def count_unfinished_commands() -> int:
    """Return how many commands agents of all spaces have not ended yet."""
    rows = AgentMessage.objects.unscoped(reason=_REASON)
    return rows.filter(kind="run", finished=None).count()
