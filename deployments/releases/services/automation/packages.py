"""Feed triggers: a package that arrives in the built-in feed creates a release."""

from typing import Final

from deployments.access.actors import actor_behind
from deployments.base.clock import Clock, utc_now
from deployments.base.models import Event, Space
from deployments.base.querysets import SpaceQuerySet
from deployments.base.rows import PreparedQuery
from deployments.projects.models import Outcome, Project, ProjectTrigger
from deployments.projects.queries import default_channel
from deployments.projects.services.decisions import Decision, log_decision
from deployments.projects.settings import extra_document
from deployments.projects.triggers.actions import CREATE_RELEASE
from deployments.projects.triggers.filters import ALL_ARRIVED, FEEDS
from deployments.releases.services.automation.arrivals import (
    Arrival,
    channel_of,
    decide,
    watched_packages,
)
from packages_feed.models import PackageVersion
from packages_feed.queries.versions import find_by_wire_id

NAME: Final = "feed-triggers"
LABEL: Final = "Feed triggers"
CATEGORIES: Final = ("PackagePublished",)


def has_followers(space: int) -> bool:
    """Tell whether anything in the space creates releases of packages: most have nothing."""
    return any(query.first(space) for query in (_SOME_TRIGGER, _SOME_PROJECT))


def create_releases(event: Event, *, clock: Clock = utc_now) -> None:
    """Create the releases that the package's arrival sets off; joins the transaction."""
    if event.space is None:
        return
    version = find_by_wire_id(event.space, event.subject_id)
    triggers = _triggers(event.space).select_related("project", "space")
    for trigger in [*triggers, *_of_projects(event.space)]:
        decision = _decide(trigger, version, event, clock) if version else _too_late(trigger, event)
        if decision is not None:
            stored = trigger if trigger.pk else None
            log_decision(trigger.project, decision, trigger=stored, clock=clock)


def _triggers(space: Space) -> "SpaceQuerySet[ProjectTrigger]":
    rows = ProjectTrigger.objects.in_space(space)
    return rows.filter(filter_type__in=FEEDS, is_disabled=False)


def _projects(space: Space) -> "SpaceQuerySet[Project]":
    return Project.objects.in_space(space).filter(extra__AutoCreateRelease=True)


_SOME_TRIGGER = PreparedQuery(
    lambda space: _triggers(Space(pk=space)).order_by().values_list("pk"), int
)
_SOME_PROJECT = PreparedQuery(
    lambda space: _projects(Space(pk=space)).order_by().values_list("pk"), int
)


def _of_projects(space: Space) -> list[ProjectTrigger]:
    """Return what projects say in their own settings, the older way, in the form of triggers."""
    triggers = []
    for project in _projects(space).select_related("space"):
        strategy = extra_document(project.extra)["ReleaseCreationStrategy"]
        package = strategy.get("ReleaseCreationPackage")
        if not isinstance(package, dict):
            continue
        watched = {
            name: str(package.get(name) or "") for name in ("DeploymentAction", "PackageReference")
        }
        channel = strategy.get("ChannelId") or default_channel(project).public_id
        triggers.append(
            ProjectTrigger(
                space=space,
                project=project,
                name="of the project",
                filter_type=ALL_ARRIVED,
                filter={"FilterType": ALL_ARRIVED, "Packages": [watched]},
                action={"ActionType": CREATE_RELEASE, "ChannelId": str(channel)},
            )
        )
    return triggers


def _too_late(trigger: ProjectTrigger, event: Event) -> Decision | None:
    """Return what is told of a package that was deleted before its turn; None for others."""
    channel = channel_of(trigger)
    if channel is None:
        return None
    subject = event.subject_id.lower()
    for need in watched_packages(trigger, channel):
        is_here = need.feed is not None and need.feed.is_built_in
        if is_here and subject.startswith(f"packages-{need.package_id.lower()}."):
            name = event.subject_id.removeprefix("packages-")
            cause = f"{name} was pushed by {event.actor_name}"
            reason = "The package was deleted before a release could be made of it."
            return Decision(Outcome.NOTHING, cause, reason, event_id=event.public_id)
    return None


def _decide(
    trigger: ProjectTrigger, version: PackageVersion, event: Event, clock: Clock
) -> Decision | None:
    """Return what was decided; None when the package is none of the trigger's."""
    channel = channel_of(trigger)
    cause = f"{version.package_id} {version.version} was pushed by {event.actor_name}"
    if channel is None:
        return Decision(
            Outcome.REFUSED, cause, "The channel of the trigger does not exist any more."
        )
    watched = watched_packages(trigger, channel)
    feeds = [
        need.feed
        for need in watched
        if need.feed and need.feed.is_built_in and need.package_id.lower() == version.id_lower
    ]
    if not feeds:
        return None
    arrival = Arrival(
        trigger,
        channel,
        feeds[0],
        version.package_id,
        version.version,
        watched,
        cause,
        event.public_id,
    )
    actor = actor_behind(event.actor_id, event.actor_name, reason=f"trigger {trigger.name}")
    return decide(arrival, actor, clock)
