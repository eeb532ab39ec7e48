"""Marking the newest deployment of each place, so that boards need not look for it.

A place is a project's environment, for each tenant. The mark is moved in the transaction that
creates or deletes a deployment; who does either holds the project's queue, so there is one mark.
"""

from collections.abc import Collection

from django.db.models import Max

from deployments.base.models import Space
from deployments.base.querysets import SpaceQuerySet
from deployments.server_tasks.models import ServerTask

_PLACE = ("kind", "project_number", "environment_number", "tenant_number")


def mark_current(task: ServerTask) -> None:
    """Make a new task the current one of its place; the caller saves `is_current`."""
    place = {name: getattr(task, name) for name in _PLACE}
    rows = ServerTask.objects.in_space(task.space).filter(is_current=True, **place)
    rows.update(is_current=False)
    task.is_current = True


def delete_tasks(space: Space, numbers: Collection[int]) -> None:
    """Delete tasks; what is the newest without them becomes current in their places."""
    rows = ServerTask.objects.in_space(space).filter(pk__in=numbers)
    places = list(rows.filter(is_current=True).order_by().values_list(*_PLACE))
    rows.only("pk").delete()
    if places:
        newest = _newest(ServerTask.objects.in_space(space), places)
        ServerTask.objects.in_space(space).filter(pk__in=newest).update(is_current=True)


def _newest(
    rows: SpaceQuerySet[ServerTask], places: list[tuple[str, int, int, int | None]]
) -> list[int]:
    """Return the newest task of each of the places; one query."""
    kinds, projects, environments, _ = zip(*places, strict=True)
    found = (
        rows.filter(
            kind__in=set(kinds),
            project_number__in=set(projects),
            environment_number__in=set(environments),
        )
        .order_by()
        .values(*_PLACE)
        .annotate(newest=Max("pk"))
    )
    wanted = set(places)
    return [
        newest for *place, newest in found.values_list(*_PLACE, "newest") if tuple(place) in wanted
    ]
