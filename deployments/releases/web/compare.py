"""Comparing two releases, or a release with the project as it is now."""

from collections.abc import Sequence
from typing import Final

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.web.forms import show
from deployments.access.web.pages import PageRequest, page
from deployments.projects.web.rail import project_frame
from deployments.releases.comparison.releases import Comparison, compare
from deployments.releases.comparison.variables import Change
from deployments.releases.models import Release
from deployments.releases.queries import find_release
from deployments.releases.web.frames import project_of
from deployments.releases.web.scope_words import scope_words

NOW: Final = "now"
_MOST_CHOICES = 200


@require_GET
@page(Permission.ReleaseView)
def release_compare(request: PageRequest, project: str) -> HttpResponse:
    """Show what differs.

    `release` may come twice, from the list, instead of `from` and `to`. With `to=now` alone it is
    the newest release that is compared with the project.
    """
    row = project_of(request, project)
    visible = Release.objects.visible_to(request.actor, request.space, Permission.ReleaseView)
    mine = visible.filter(project=row)

    def chosen(text: str) -> Release | None:
        found = find_release(row, text) if text else None
        return (
            mine.select_related(
                "process_snapshot", "variable_snapshot", "channel", "space", "project__variable_set"
            )
            .filter(pk=found.pk)
            .first()
            if found
            else None
        )

    marked = request.GET.getlist("release")[:3]
    first, second = _asked(request.GET.get("from", ""), request.GET.get("to", ""), marked)
    if second == NOW and not first:
        first = mine.order_by("-pk").values_list("version", flat=True).first() or ""
    old, new = chosen(first), chosen(second)
    if marked and old is not None and new is not None and old.version_key > new.version_key:
        old, new = new, old
    is_now = second == NOW
    result = compare(request.actor, old, new) if old and (new or is_now) else None
    values = {
        **project_frame(request, row, "Releases"),
        "old": old,
        "new": new,
        "is_now": is_now,
        "too_many": len(marked) > 2,  # noqa: PLR2004 two are compared
        "result": result,
        "variables": _with_words(request, old, result.variables) if old and result else [],
        "same": _same(result, is_now=is_now) if result else "",
        "choices": list(mine.order_by("-pk").values_list("version", flat=True)[:_MOST_CHOICES]),
    }
    return show(request, "releases/compare.html", values)


def _same(result: Comparison, *, is_now: bool) -> str:
    """Name the parts that do not differ, as far as the reader may see them."""
    parts: dict[str, Sequence[object] | None] = {
        "process": result.steps,
        "variables": result.variables,
        "packages": None if is_now else result.packages,
    }
    return ", ".join(name for name, found in parts.items() if found is not None and not found)


def _asked(first: str, second: str, marked: Sequence[str]) -> tuple[str, str]:
    if len(marked) == 2:  # noqa: PLR2004 two are compared
        return marked[0], marked[1]
    return (marked[0], second) if len(marked) == 1 else (first, second)


def _with_words(
    request: PageRequest, release: Release, changes: Sequence[Change]
) -> list[tuple[Change, list[str]]]:
    return [(change, scope_words(request, release, change.scope)) for change in changes]
