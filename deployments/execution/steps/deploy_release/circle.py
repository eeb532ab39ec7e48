"""Keeps deployments from waiting for each other in a circle."""

from deployments.base import public_ids
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.projects.models import Project
from deployments.projects.process.shape import PROJECT_FEED_ID
from deployments.releases.models import Deployment, Release, ReleaseSelectedPackage
from deployments.releases.queries import find_release
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.enqueue import PARENT_TASK


def require_no_circle(parent: Deployment, release: Release) -> None:
    """Raise Invalid when the child would, in the end, deploy a project that waits for it."""
    above = {parent.project_id}
    task_id = parent.task.arguments.get(PARENT_TASK)
    while number := public_ids.parse(ServerTask.id_prefix, str(task_id or "")):
        row = Deployment.objects.in_space(parent.space).filter(task=number)
        found = row.values_list("project_id", "task__arguments").first()
        if found is None or found[0] in above:
            break
        above.add(found[0])
        task_id = found[1].get(PARENT_TASK)
    seen: set[int] = set()
    waiting = [release]
    while waiting:
        current = waiting.pop()
        if current.project_id in above:
            raise Invalid(
                f"{release.project.name} {release.version} would deploy a project that waits for"
                " it: the steps that deploy releases form a circle."
            )
        if current.pk not in seen:
            seen.add(current.pk)
            waiting += _children(parent.space, current)


def _children(space: Space, release: Release) -> list[Release]:
    found = []
    rows = ReleaseSelectedPackage.objects.filter(release=release, feed_id=PROJECT_FEED_ID)
    for row in rows:
        number = public_ids.parse(Project.id_prefix, row.package_id) or 0
        project = Project.objects.in_space(space).filter(pk=number).first()
        child = find_release(project, row.version) if project else None
        if child is not None:
            found.append(child)
    return found
