"""What tasks are about, for headings and lists; a fixed number of queries for any rows."""

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.access.models import User
from deployments.access.permissions import Permission
from deployments.access.queries import users_by_ids
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.releases.models import Deployment
from deployments.server_tasks.models import ServerTask


@dataclass(frozen=True, slots=True)
class Subject:
    """A task with its project, environment and deployment as far as the reader may see them."""

    task: ServerTask
    project: Project | None
    environment: Environment | None
    deployment: Deployment | None
    requested_by: str


def subjects_of(actor: Actor, space: Space, tasks: Iterable[ServerTask]) -> list[Subject]:
    """Return the tasks in their order with what they are about."""
    rows = list(tasks)
    projects = Project.objects.visible_to(actor, space, Permission.ProjectView).in_bulk(
        [row.project_number for row in rows if row.project_number]
    )
    environments = Environment.objects.visible_to(actor, space, Permission.EnvironmentView).in_bulk(
        [row.environment_number for row in rows if row.environment_number]
    )
    found = Deployment.objects.visible_to(actor, space, Permission.DeploymentView)
    deployments = {
        row.task_id: row
        for row in found.filter(task__in=rows).select_related("release__channel", "environment")
    }
    names = names_of(row.requested_by for row in rows)
    return [
        Subject(
            task=row,
            project=projects.get(row.project_number or 0),
            environment=environments.get(row.environment_number or 0),
            deployment=deployments.get(row.pk),
            requested_by=names.get(row.requested_by, ""),
        )
        for row in rows
    ]


def names_of(ids: Iterable[str]) -> dict[str, str]:
    """Return the names of people and of the server by their public ids."""
    wanted = sorted({text for text in ids if text})
    people = [text for text in wanted if public_ids.parse(User.id_prefix, text) is not None]
    names = {user.public_id: user.display_name for user in users_by_ids(people)} if people else {}
    return {"users-system": "Octopus Server", **names}
