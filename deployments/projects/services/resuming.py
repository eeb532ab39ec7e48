"""Going on after a pause: what came meanwhile is not new for triggers that look for news."""

from datetime import datetime
from typing import Final

from deployments.base.wake import wake
from deployments.projects.models import Project, ProjectTrigger, WatchedPackage, WatchedRepository

_LOOK_AT_FEEDS: Final = "releases.watch_feeds"
_LOOK_AT_REPOSITORIES: Final = "releases.watch_repositories"


def forget_packages(trigger: ProjectTrigger) -> None:
    """Let the next look of a trigger at external feeds only remember what is there."""
    WatchedPackage.objects.filter(trigger=trigger).delete()


def resume_triggers(project: Project, now: datetime) -> None:
    """Let the next look of each trigger of the project only remember what is there.

    Done when the project is enabled, not when it is disabled: a look that goes on then may end
    after it. Of a look that goes on now, the new `due` takes the claim.
    """
    if WatchedPackage.objects.filter(trigger__project=project).delete()[0]:
        wake(_LOOK_AT_FEEDS)
    repositories = WatchedRepository.objects.filter(trigger__project=project)
    if repositories.update(seen=None, looked=None, problem="", due=now):
        wake(_LOOK_AT_REPOSITORIES)
