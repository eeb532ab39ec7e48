"""Reads of the engine's rows that more than one page needs."""

from django.db.models import Count, Sum

from deployments.execution.models import LogArchive


def count_archived_logs() -> tuple[int, int]:
    """Return how many logs of all spaces are archived, and their bytes."""
    rows = LogArchive.objects.unscoped(reason="an administrator counts what is stored")
    found = rows.aggregate(number=Count("pk"), size=Sum("size"))
    return found["number"], found["size"] or 0
