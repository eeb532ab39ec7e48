"""Rows of the list of tasks: light, with a fixed number of queries for any number of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.execution.queries import progress_of
from deployments.execution.web.subjects import names_of
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.releases.models import Deployment
from deployments.server_tasks.models import ServerTask


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task with the names of what it is about, empty where the reader may not see it.

    `project_slug` and `version` are there for deployments only, `percent` while it runs.
    """

    task: ServerTask
    project: str
    project_slug: str
    version: str
    environment: str
    requested_by: str
    percent: int | None = None


def rows_of(actor: Actor, space: Space, tasks: Sequence[ServerTask]) -> list[TaskRow]:
    """Return the tasks in their order with what they are about."""
    who = (actor, space)
    found = Deployment.objects.visible_to(*who, Permission.DeploymentView).filter(task__in=tasks)
    versions = dict(found.order_by().values_list("task_id", "release__version"))
    projects = Project.objects.visible_to(*who, Permission.ProjectView).filter(
        pk__in={row.project_number for row in tasks if row.pk in versions}
    )
    known = {
        number: (name, slug)
        for number, name, slug in projects.order_by().values_list("pk", "name", "slug")
    }
    environments = Environment.objects.visible_to(*who, Permission.EnvironmentView).filter(
        pk__in={row.environment_number for row in tasks if row.environment_number}
    )
    places = dict(environments.order_by().values_list("pk", "name"))
    percent = progress_of(space, tasks)
    names = names_of(row.requested_by for row in tasks)
    rows = []
    for task in tasks:
        project, slug = known.get(task.project_number or 0, ("", ""))
        version = versions.get(task.pk, "") if slug else ""
        place = places.get(task.environment_number or 0, "")
        by = names.get(task.requested_by, "")
        rows.append(TaskRow(task, project, slug, version, place, by, percent.get(task.pk)))
    return rows
