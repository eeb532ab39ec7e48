"""Which projects use a package of the built-in feed; the feed itself knows no projects."""

from collections.abc import Iterable

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.projects.models import DeploymentProcess, Project
from deployments.projects.process import process_from_json
from packages_feed.queries import built_in_feed, known_as


def projects_using_package(space: Space, package_id: str) -> list[int]:
    """Return the numbers of the projects whose process, or that of a runbook, names the package."""
    wanted = package_id.lower()
    feeds = known_as(built_in_feed(space))
    rows = DeploymentProcess.objects.in_space(space).values_list("project_id", "steps")
    found = [
        number
        for number, steps in rows
        if any(
            package.package_id.lower() == wanted and package.feed_id.lower() in feeds
            for _, action in process_from_json(steps).actions()
            for package in action.packages
        )
    ]
    return list(dict.fromkeys(found))


def projects_naming_feed(space: Space, feed_names: frozenset[str]) -> list[int]:
    """Return the numbers of the projects whose process, or that of a runbook, names one of them."""
    rows = DeploymentProcess.objects.in_space(space).values_list("project_id", "steps")
    found = [
        number
        for number, steps in rows
        if any(
            package.feed_id.lower() in feed_names
            for _, action in process_from_json(steps).actions()
            for package in action.packages
        )
    ]
    return list(dict.fromkeys(found))


def visible_project_names(
    actor: Actor, space: Space, numbers: Iterable[int]
) -> list[tuple[str, str]]:
    """Return public id and name of those of the projects that the actor may see."""
    rows = Project.objects.visible_to(actor, space, Permission.ProjectView)
    return [(row.public_id, row.name) for row in rows.filter(pk__in=list(numbers))]
