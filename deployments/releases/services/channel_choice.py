"""Choosing the channel of a new release: named, or the one that takes its packages."""

from deployments.base.errors import Invalid
from deployments.projects.models import Channel, Project
from deployments.projects.queries import (
    channels_of,
    default_channel,
    find_channel,
    process_of,
    project_candidates,
    read_process,
)
from deployments.projects.version_rules import rules_from_json
from deployments.releases.channel_choice import AmbiguousChannel, ChannelCandidate, best_channel
from deployments.releases.services.packages import (
    PackageWishes,
    needed_packages,
    wished_version,
)
from deployments.releases.variables import values_at_release


def resolve_channel(
    project: Project,
    text: str,
    wishes: PackageWishes | None = None,
    *,
    ignore_rules: bool = False,
) -> Channel:
    """Return the channel by name, slug or id, for an empty text the one that fits the wishes.

    Raises Invalid for a name that does not exist and when several channels fit alike. Without
    versions to judge by, and when rules are ignored, it is the default channel.
    """
    if text:
        return _named(project, text)
    channels = list(channels_of(project))
    has_versions = wishes is not None and bool(wishes.specs or wishes.version)
    if wishes is None or not has_versions or ignore_rules or len(channels) == 1:
        return default_channel(project)
    by_name = {channel.name: channel for channel in channels}
    try:
        return by_name[best_channel(_candidates(project, channels, wishes)).name]
    except AmbiguousChannel as error:
        raise Invalid(
            f"The packages fit more than one channel: {', '.join(error.names)}. Name the channel."
        ) from error


def _named(project: Project, text: str) -> Channel:
    channel = find_channel(project, text)
    if channel is None:
        names = ", ".join(channels_of(project).values_list("name", flat=True))
        raise Invalid(
            f"The channel '{text}' was not found in the project '{project.name}'. It has: {names}."
        )
    return channel


def _candidates(
    project: Project, channels: list[Channel], wishes: PackageWishes
) -> list[ChannelCandidate]:
    process = read_process(process_of(project))
    stored = project_candidates(project)
    found = []
    for channel in channels:
        values = values_at_release(stored, project=project.public_id, channel=channel.public_id)
        choices = [
            need.choice(version)
            for need in needed_packages(project.space, process, channel, values)
            if (version := wished_version(need, wishes))
        ]
        rules = rules_from_json(channel.rules)
        found.append(ChannelCandidate(channel.name, channel.is_default, rules, tuple(choices)))
    return found
