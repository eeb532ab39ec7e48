"""Which release a schedule deploys, for a tenant or without one."""

from dataclasses import dataclass
from typing import Final

from deployments.base import public_ids
from deployments.base.errors import Invalid
from deployments.infrastructure.models import Environment
from deployments.projects.models import Channel, ProjectTrigger
from deployments.releases.models import Deployment, Release
from deployments.releases.queries import progression_of, progressions_of, releases_of
from deployments.server_tasks.states import TaskState
from tenants.models import Tenant
from tenants.queries import environments_of_tenant

_MOST_CANDIDATES: Final = 200
# Each candidate of a tenant costs queries of its own.
_MOST_FOR_TENANT: Final = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """The release to deploy and what makes it the one; without a release, why there is none."""

    release: Release | None
    why: str


def latest_release(
    trigger: ProjectTrigger, destination: Environment, tenant: Tenant | None
) -> Chosen:
    """Return the release that is current in the sources, else the newest that may go there.

    A tenant that is connected to none of the sources gets the newest that may go there for it.
    """
    channel = channel_of(trigger)
    parsed = [
        public_ids.parse(Environment.id_prefix, text)
        for text in trigger.action["SourceEnvironmentIds"]
    ]
    sources = [number for number in parsed if number is not None]
    if tenant is not None:
        connected = environments_of_tenant(tenant, trigger.project) or ()
        sources = [number for number in sources if number in connected]
    if sources:
        return _current(trigger, channel, sources, tenant)
    return _newest(trigger, channel, destination, tenant)


def _current(
    trigger: ProjectTrigger, channel: Channel | None, sources: list[int], tenant: Tenant | None
) -> Chosen:
    rows = Deployment.objects.in_space(trigger.space).filter(
        project=trigger.project_id,
        environment__in=sources,
        tenant_number=tenant.pk if tenant else None,
        task__state=TaskState.SUCCESS,
    )
    if channel is not None:
        rows = rows.filter(channel=channel)
    newest = rows.select_related("release__project", "release__channel", "environment").first()
    if newest is not None:
        return Chosen(newest.release, f"current in {newest.environment.name}")
    found = Environment.objects.in_space(trigger.space).filter(pk__in=sources)
    names = ", ".join(found.values_list("name", flat=True))
    whom = f" for {tenant.name}" if tenant else ""
    return Chosen(
        None, f"No release{_of(channel)} has been deployed to {names}{whom} successfully."
    )


def _newest(
    trigger: ProjectTrigger,
    channel: Channel | None,
    destination: Environment,
    tenant: Tenant | None,
) -> Chosen:
    rows = releases_of(trigger.project).select_related(
        "project", "channel__lifecycle", "channel__project__lifecycle"
    )
    if channel is not None:
        rows = rows.filter(channel=channel)
    why = f"the newest{_of(channel)} that the lifecycle admits"
    if tenant is not None:
        for release in rows[:_MOST_FOR_TENANT]:
            if progression_of(release, tenant).may_deploy_to(destination.pk):
                return Chosen(release, why)
    else:
        newest_first = list(rows[:_MOST_CANDIDATES])
        progressions = progressions_of(newest_first)
        for release in newest_first:
            if progressions[release.pk].may_deploy_to(destination.pk):
                return Chosen(release, why)
    whom = f" for {tenant.name}" if tenant else ""
    return Chosen(
        None, f"The lifecycle admits no release{_of(channel)} to {destination.name}{whom}."
    )


def _of(channel: Channel | None) -> str:
    return f" of the channel {channel.name}" if channel else ""


def channel_of(trigger: ProjectTrigger) -> Channel | None:
    """Return the channel that the trigger names. Raises Invalid when it is gone."""
    text = trigger.action["ChannelId"]
    if not text:
        return None
    number = public_ids.parse(Channel.id_prefix, text)
    rows = Channel.objects.in_space(trigger.space).filter(
        project=trigger.project_id, pk=number or 0
    )
    row = rows.select_related("lifecycle", "project").first()
    if row is None:
        raise Invalid(f"The channel {text} does not exist any more.")
    return row
