"""Sentences of pages about a permission that the reader lacks, with whom to ask."""

from typing import Any

from deployments.access.holders import holders_in, holders_sentence
from deployments.access.permissions import Permission


def who_has(request: Any, permission: str, **values: Any) -> str:
    """Say which teams have the permission on a thing with these values, without any anywhere.

    Nothing to readers who may not see teams.
    """
    if not request.grants.allows(Permission.TeamView):
        return ""
    held = holders_in(request.space)
    teams = held.of(permission, **values) if values else held.anywhere(permission)
    return holders_sentence(teams)


def need(request: Any, permission: Permission, **values: Any) -> str:
    """Say that the reader needs the permission there, and who has it."""
    whom = who_has(request, permission, **values)
    return f"You need the permission {permission} there. {whom}".strip()
