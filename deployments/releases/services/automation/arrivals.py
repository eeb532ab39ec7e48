"""A version of a package that came, and the release that a feed trigger makes of it or not."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.versions import read_version
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock
from deployments.projects.models import Channel, Outcome, Project, ProjectTrigger
from deployments.projects.queries import process_of, project_candidates, read_process
from deployments.projects.services.decisions import Decision
from deployments.projects.triggers.filters import ALL_ARRIVED
from deployments.projects.version_rules import rules_from_json
from deployments.releases.channel_rules import rule_for
from deployments.releases.models import Release, ReleaseSelectedPackage
from deployments.releases.selection import PackageSpec, newest_fitting
from deployments.releases.services.automation.acting import attempt
from deployments.releases.services.packages import NeededPackage, needed_packages
from deployments.releases.services.releases import create_release
from deployments.releases.variables import values_at_release
from packages_feed.models import Feed
from packages_feed.queries.catalogue import catalogue, has_version


@dataclass(frozen=True, slots=True)
class Arrival:
    """A version that came, for one trigger: the packages it watches, those that came first.

    `cause` and `event_id` are told with the decision.
    """

    trigger: ProjectTrigger
    channel: Channel
    feed: Feed
    package_id: str
    version: str
    watched: Sequence[NeededPackage]
    cause: str
    event_id: str = ""

    @property
    def is_of_all(self) -> bool:
        """Whether all packages must be there in the version that came."""
        return self.trigger.filter_type == ALL_ARRIVED

    def concerns(self, need: NeededPackage) -> bool:
        """Whether the package of a step is the one that came."""
        is_here = need.feed is not None and need.feed.pk == self.feed.pk
        return is_here and need.package_id.lower() == self.package_id.lower()

    @property
    def concerned(self) -> list[NeededPackage]:
        """The packages that must have the version for a release."""
        return [need for need in self.watched if self.is_of_all or self.concerns(need)]


def channel_of(trigger: ProjectTrigger) -> Channel | None:
    """Return the channel in which the trigger creates releases."""
    number = public_ids.parse(Channel.id_prefix, trigger.action["ChannelId"])
    rows = Channel.objects.in_space(trigger.space).filter(
        project=trigger.project_id, pk=number or 0
    )
    return rows.select_related("project").first()


def decide(arrival: Arrival, actor: Actor, clock: Clock) -> Decision:
    """Create the release, if there is to be one, in the actor's name; joins the transaction."""
    outcome, reason = _why_not(arrival)
    if outcome is not None:
        return Decision(outcome, arrival.cause, reason, event_id=arrival.event_id)

    def create() -> Release:
        return create_release(
            actor=actor,
            project=arrival.trigger.project,
            channel=arrival.channel,
            selected_packages=_chosen(arrival),
            asks_feeds=False,
            clock=clock,
        )

    release, refusal = attempt(create, name=actor.display_name)
    if release is None:
        reason = f"The release could not be created: {refusal}"
        return Decision(Outcome.REFUSED, arrival.cause, reason, event_id=arrival.event_id)
    return Decision(
        Outcome.CREATED,
        arrival.cause,
        f"Release {release.version} was created.",
        event_id=arrival.event_id,
        release_id=release.public_id,
        results=(release.public_id,),
    )


def watched_packages(trigger: ProjectTrigger, channel: Channel) -> list[NeededPackage]:
    """Return those packages of the process that the trigger names."""
    named = _named(trigger).keys()
    return [
        need
        for need in needed_by(trigger.project, channel)
        if _names_of(need) & named and need.is_resolvable and need.feed is not None
    ]


def _lost(arrival: Arrival) -> list[str]:
    """Return what the trigger names and nothing can be waited for, as the trigger names it."""
    found = {name for need in arrival.watched for name in _names_of(need)}
    return [text for name, text in _named(arrival.trigger).items() if name not in found]


def _named(trigger: ProjectTrigger) -> dict[tuple[str, str], str]:
    """Return the packages that the trigger names, by step and reference in lower case."""
    return {
        (each["DeploymentAction"].lower(), each["PackageReference"].lower()): " ".join(
            text for text in (each["DeploymentAction"], each["PackageReference"]) if text
        )
        for each in trigger.filter["Packages"]
    }


def _names_of(need: NeededPackage) -> set[tuple[str, str]]:
    texts = (need.action.name, need.action.id)
    return {(text.lower(), need.reference.name.lower()) for text in texts}


def needed_by(project: Project, channel: Channel) -> list[NeededPackage]:
    """Return the packages that a release of the project in the channel would select now."""
    values = values_at_release(
        project_candidates(project),
        project=project.public_id,
        channel=channel.public_id,
    )
    return needed_packages(project.space, read_process(process_of(project)), channel, values)


def newest_version(need: NeededPackage, channel: Channel) -> str | None:
    """Return the version that a release in the channel would take by itself."""
    if need.feed is None:
        return None
    rule = rule_for(rules_from_json(channel.rules), need.action.name, need.reference.name)
    best = newest_fitting(catalogue(need.feed, need.package_id).versions, rule=rule)
    return best.original if best is not None else None


def _why_not(arrival: Arrival) -> tuple[Outcome | None, str]:
    """Return why no release is created now."""
    version, concerned = arrival.version, arrival.concerned
    if arrival.is_of_all and (lost := _lost(arrival)):
        return Outcome.REFUSED, (
            f"It would wait for ever for the package of {', '.join(lost)}: the process has none, or"
            " its id is known in an environment only. Change the trigger."
        )
    missing = [
        need.package_id
        for need in concerned
        if need.feed is None or not has_version(need.feed, need.package_id, version)
    ]
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        return Outcome.WAITING, f"It waits for version {version} of {names}."
    for need in concerned:
        newest = newest_version(need, arrival.channel)
        place = _compared(newest, version, need)
        if newest is None or place < 0:
            return Outcome.NOTHING, (
                f"The channel {arrival.channel.name} does not choose {need.package_id} {version}"
                f" for the step {need.action.name} by itself."
            )
        if place > 0:
            return Outcome.NOTHING, f"{need.package_id} has a newer version, {newest}."
    used = _used(arrival, {need.package_id.lower() for need in concerned})
    if used:
        return Outcome.NOTHING, f"Release {used} has this version already."
    return None, ""


def _compared(one: str | None, other: str, need: NeededPackage) -> int:
    """Return below, above or 0 as the first version is older, newer, or the same."""
    if one is None:
        return -1
    mine = read_version(one, need.version_scheme)
    its = read_version(other, need.version_scheme)
    return (mine > its) - (mine < its)


def _used(arrival: Arrival, package_ids: set[str]) -> str:
    """Return the release of the project that has this version of one of the packages."""
    rows = ReleaseSelectedPackage.objects.filter(
        release__project=arrival.trigger.project_id, version__iexact=arrival.version
    )
    pairs = rows.order_by("-release_id").values_list("package_id", "release__version")
    return next((release for name, release in pairs if name.lower() in package_ids), "")


def _chosen(arrival: Arrival) -> list[PackageSpec]:
    """Return the version for what came; all other packages are chosen as always."""
    return [
        PackageSpec(need.action.name, need.reference.name, arrival.version, is_exact=True)
        for need in arrival.concerned
    ]
