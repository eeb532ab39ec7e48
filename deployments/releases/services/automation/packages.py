"""Feed triggers: a package that arrives in the built-in feed creates a release."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.versions import Version
from deployments.access.actors import actor_behind
from deployments.base import public_ids
from deployments.base.clock import Clock, utc_now
from deployments.base.models import Event, Space
from deployments.projects.models import Channel, Outcome, Project, ProjectTrigger
from deployments.projects.queries import (
    default_channel,
    process_of,
    project_candidates,
    read_process,
)
from deployments.projects.services.decisions import Decision, log_decision
from deployments.projects.settings import extra_document
from deployments.projects.triggers.actions import CREATE_RELEASE
from deployments.projects.triggers.filters import ALL_ARRIVED, FEEDS
from deployments.projects.version_rules import rules_from_json
from deployments.releases.channel_rules import rule_for
from deployments.releases.models import Release, ReleaseSelectedPackage
from deployments.releases.selection import PackageSpec, newest_fitting
from deployments.releases.services.automation.acting import attempt
from deployments.releases.services.packages import NeededPackage, needed_packages
from deployments.releases.services.releases import create_release
from deployments.releases.variables import values_at_release
from packages_feed.models import PackageVersion
from packages_feed.queries.versions import find_by_wire_id, find_version, versions_of

NAME: Final = "feed-triggers"
LABEL: Final = "Feed triggers"
CATEGORIES: Final = ("PackagePublished",)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A version that came, for one trigger: the packages it watches, those that came first."""

    trigger: ProjectTrigger
    channel: Channel
    version: PackageVersion
    watched: Sequence[NeededPackage]

    @property
    def is_of_all(self) -> bool:
        """Whether all packages must be there in the version that came."""
        return self.trigger.filter_type == ALL_ARRIVED


def create_releases(event: Event, *, clock: Clock = utc_now) -> None:
    """Create the releases that the package's arrival sets off; joins the transaction."""
    if event.space is None:
        return
    version = find_by_wire_id(event.space, event.subject_id)
    if version is None:
        return
    triggers = ProjectTrigger.objects.in_space(event.space).filter(
        filter_type__in=FEEDS, is_disabled=False
    )
    followers = [*triggers.select_related("project", "space"), *_of_projects(event.space)]
    for trigger in followers:
        decision = _decide(trigger, version, event, clock)
        if decision is not None:
            stored = trigger if trigger.pk else None
            log_decision(trigger.project, decision, trigger=stored, clock=clock)


def _of_projects(space: Space) -> list[ProjectTrigger]:
    """Return what projects say in their own settings, the older way, in the form of triggers."""
    rows = Project.objects.in_space(space).filter(extra__AutoCreateRelease=True)
    triggers = []
    for project in rows.select_related("space"):
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


def _decide(
    trigger: ProjectTrigger, version: PackageVersion, event: Event, clock: Clock
) -> Decision | None:
    """Return what was decided; None when the package is none of the trigger's."""
    number = public_ids.parse(Channel.id_prefix, trigger.action["ChannelId"])
    rows = Channel.objects.in_space(trigger.space).filter(
        project=trigger.project_id, pk=number or 0
    )
    channel = rows.select_related("project").first()
    cause = f"{version.package_id} {version.version} was pushed by {event.actor_name}"
    if channel is None:
        return Decision(
            Outcome.REFUSED, cause, "The channel of the trigger does not exist any more."
        )
    watched = _watched(trigger, channel)
    if not any(need.package_id.lower() == version.id_lower for need in watched):
        return None
    arrival = _Arrival(trigger, channel, version, watched)
    outcome, reason = _why_not(arrival)
    if outcome is not None:
        return Decision(outcome, cause, reason, event_id=event.public_id)

    def create() -> Release:
        return create_release(
            actor=actor_behind(event.actor_id, event.actor_name, reason=f"trigger {trigger.name}"),
            project=trigger.project,
            channel=channel,
            selected_packages=_chosen(arrival),
            clock=clock,
        )

    release, refusal = attempt(create, name=event.actor_name)
    if release is None:
        reason = f"The release could not be created: {refusal}"
        return Decision(Outcome.REFUSED, cause, reason, event_id=event.public_id)
    return Decision(
        Outcome.CREATED,
        cause,
        f"Release {release.version} was created.",
        event_id=event.public_id,
        release_id=release.public_id,
        results=(release.public_id,),
    )


def _watched(trigger: ProjectTrigger, channel: Channel) -> list[NeededPackage]:
    """Return those packages of the process that the trigger names."""
    project = trigger.project
    values = values_at_release(
        project_candidates(project),
        project=project.public_id,
        channel=channel.public_id,
    )
    named = {
        (each["DeploymentAction"].lower(), each["PackageReference"].lower())
        for each in trigger.filter["Packages"]
    }
    needed = needed_packages(trigger.space, read_process(process_of(project)), channel, values)
    return [
        need
        for need in needed
        if {
            (text.lower(), need.reference.name.lower())
            for text in (need.action.name, need.action.id)
        }
        & named
        and need.is_resolvable
        and need.feed is not None
        and need.feed.is_built_in
    ]


def _why_not(arrival: _Arrival) -> tuple[Outcome | None, str]:
    """Return why no release is created now."""
    version = arrival.version.version
    concerned = [
        need
        for need in arrival.watched
        if arrival.is_of_all or need.package_id.lower() == arrival.version.id_lower
    ]
    missing = [
        need.package_id
        for need in concerned
        if find_version(arrival.trigger.space, need.package_id, version) is None
    ]
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        return Outcome.WAITING, f"It waits for version {version} of {names}."
    for need in concerned:
        newest = _newest(arrival, need)
        if newest is None or Version.parse(newest) < Version.parse(version):
            return Outcome.NOTHING, (
                f"The channel {arrival.channel.name} does not choose {need.package_id} {version}"
                f" for the step {need.action.name} by itself."
            )
        if Version.parse(newest) > Version.parse(version):
            return Outcome.NOTHING, f"{need.package_id} has a newer version, {newest}."
    used = _used(arrival, {need.package_id.lower() for need in concerned})
    if used:
        return Outcome.NOTHING, f"Release {used} has this version already."
    return None, ""


def _newest(arrival: _Arrival, need: NeededPackage) -> str | None:
    """Return the version that a release in the channel would take by itself."""
    rule = rule_for(rules_from_json(arrival.channel.rules), need.action.name, need.reference.name)
    rows = versions_of(arrival.trigger.space, need.package_id).filter(listed=True)
    texts = rows.values_list("version", flat=True).iterator(chunk_size=500)
    best = newest_fitting(map(Version.parse, texts), rule=rule)
    return best.original if best is not None else None


def _used(arrival: _Arrival, package_ids: set[str]) -> str:
    """Return the release of the project that has this version of one of the packages."""
    rows = ReleaseSelectedPackage.objects.filter(
        release__project=arrival.trigger.project_id, version__iexact=arrival.version.version
    )
    pairs = rows.order_by("-release_id").values_list("package_id", "release__version")
    return next((release for name, release in pairs if name.lower() in package_ids), "")


def _chosen(arrival: _Arrival) -> list[PackageSpec]:
    """Return the version for what came; all other packages are chosen as always."""
    return [
        PackageSpec(need.action.name, need.reference.name, arrival.version.version, is_exact=True)
        for need in arrival.watched
        if arrival.is_of_all or need.package_id.lower() == arrival.version.id_lower
    ]
