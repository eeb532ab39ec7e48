"""Changing and deleting releases."""

from collections.abc import Mapping, Sequence

from django.db import IntegrityError, transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.public_ids import make
from deployments.base.rows import insert_rows
from deployments.projects.models import Channel
from deployments.projects.process import process_from_json
from deployments.projects.process.shape import PROJECT_FEED_ID
from deployments.releases.builds import builds_of
from deployments.releases.models import (
    DeletedRelease,
    Deployment,
    Release,
    ReleaseSelectedPackage,
)
from deployments.releases.numbering import InvalidNumber, filled_number
from deployments.releases.queries import deployments_of
from deployments.releases.selection import PackageSpec
from deployments.releases.services.packages import (
    PackageWishes,
    hold_selection,
    needed_packages,
    require_rules,
    select_packages,
)
from deployments.releases.services.queueing import hold_queue_of
from deployments.releases.services.releases import (
    fields_for,
    package_pairs,
    store_selection,
    taken,
    version_columns,
)
from deployments.releases.services.snapshots import freeze_library, freeze_variables
from deployments.releases.variables import frozen_candidates, values_at_release
from deployments.server_tasks.services.current import delete_tasks
from deployments.server_tasks.states import FINISHED


def update_release(
    *,
    actor: Actor,
    release: Release,
    version: str = "",
    notes: str | None = None,
    channel: Channel | None = None,
    selected_packages: Sequence[PackageSpec] | None = None,
    custom_fields: Mapping[str, str] | None = None,
) -> Release:
    """Change number, notes and fields; channel and packages only until it was deployed."""
    require_on(actor, release, Permission.ReleaseEdit)
    before = _snapshot(release)
    with transaction.atomic():
        if version and version.strip() != release.version:
            _renumber(release, version)
        if notes is not None:
            release.notes = notes
        moved = channel is not None and channel.pk != release.channel_id
        if moved or selected_packages is not None:
            _choose_again(release, channel or release.channel, selected_packages or ())
        if moved or custom_fields not in (None, release.custom_fields):
            given = release.custom_fields if custom_fields is None else custom_fields
            release.custom_fields = fields_for(release.channel, given)
        try:
            with transaction.atomic():
                release.save()
        except IntegrityError as error:
            raise taken(release.version) from error
        _record(actor, release, "changed", before=before)
    return release


def update_variables_of_release(
    *, actor: Actor, release: Release, clock: Clock = utc_now
) -> Release:
    """Take the project's variables and what is known of the builds as they are now.

    The process stays as it was.
    """
    require_on(actor, release, Permission.ReleaseEdit)
    variable_set = release.project.variable_set
    if variable_set is None:
        raise Invalid("The project has no variable set.")
    before = _snapshot(release)
    with transaction.atomic():
        release.variable_snapshot = freeze_variables(variable_set, clock)
        release.library_snapshots = freeze_library(release.project, clock)
        release.build_information = builds_of(release.space, _stored_pairs(release))
        release.save(update_fields=["variable_snapshot", "library_snapshots", "build_information"])
        _record(actor, release, "given the current variables", before=before)
    return release


def delete_release(*, actor: Actor, release: Release) -> None:
    """Delete a release with its deployments, their tasks and logs; none of them may be running.

    The number is remembered, so that a template does not give it again.
    """
    require_on(actor, release, Permission.ReleaseDelete)
    with transaction.atomic():
        hold_queue_of(release.project)
        deployments = list(deployments_of(release))
        running = [row for row in deployments if row.task.state not in FINISHED]
        if running:
            raise Invalid(
                f"Release '{release.version}' cannot be deleted while it is being deployed"
                f" ({', '.join(row.task.public_id for row in running)})."
            )
        events.record(
            actor=actor,
            space=release.space,
            category="Deleted",
            message=f"Release {release.version} of {release.project.name} was deleted",
            subject=release.public_id,
            related=[release.project.public_id, *(row.public_id for row in deployments)],
            before=_snapshot(release),
        )
        remember_numbers([release])
        Deployment.objects.in_space(release.space).filter(release=release).delete()
        tasks = [row.task_id for row in deployments]
        delete_tasks(release.space, tasks)
        release.delete()


def _renumber(release: Release, version: str) -> None:
    """Give another number; one under which it was deployed is not given again."""
    try:
        number = filled_number(version, ())
    except InvalidNumber as error:
        raise Invalid(str(error)) from error
    others = Release.objects.in_space(release.space).filter(project=release.project)
    if others.filter(version_lower=number.lower()).exclude(pk=release.pk).exists():
        raise taken(number)
    if deployments_of(release).exists():
        remember_numbers([release])
    for name, value in version_columns(number).items():
        setattr(release, name, value)


def _choose_again(release: Release, channel: Channel, packages: Sequence[PackageSpec]) -> None:
    stored = list(ReleaseSelectedPackage.objects.filter(release=release))
    current = [
        PackageSpec(p.action_name, p.reference_name, p.version, is_exact=True) for p in stored
    ]
    process = process_from_json(release.process_snapshot.steps)
    values = values_at_release(
        frozen_candidates(release),
        project=make("Projects", release.project_id),
        channel=channel.public_id,
    )
    needed = needed_packages(release.space, process, channel, values)
    selected = select_packages(release.space, needed, channel, PackageWishes([*current, *packages]))
    wanted = {(p.need.action.name, p.need.reference.name): p.version for p in selected}
    have = {(p.action_name, p.reference_name): p.version for p in stored}
    if wanted == have and channel.pk == release.channel_id:
        return
    if deployments_of(release).exists():
        raise Invalid(
            f"Release '{release.version}' has been deployed: its channel and packages cannot be"
            " changed any more."
        )
    if not release.ignore_channel_rules:
        require_rules(channel, selected)
    release.channel = channel
    ReleaseSelectedPackage.objects.filter(release=release).delete()
    hold_selection(release.space, selected)
    store_selection(release, selected)
    release.build_information = builds_of(release.space, package_pairs(selected))


def _stored_pairs(release: Release) -> list[tuple[str, str]]:
    rows = ReleaseSelectedPackage.objects.filter(release=release)
    return [(row.package_id, row.version) for row in rows if row.feed_id.lower() != PROJECT_FEED_ID]


def remember_numbers(releases: Sequence[Release]) -> None:
    """Keep the numbers of releases that go, so that numbering does not give them again."""
    insert_rows(
        [
            DeletedRelease(
                space=release.space,
                project=release.project,
                version=release.version,
                channel_name=release.channel.name,
            )
            for release in releases
        ]
    )


def _snapshot(release: Release) -> dict[str, object]:
    packages = ReleaseSelectedPackage.objects.filter(release=release)
    return {
        "Version": release.version,
        "Channel": make("Channels", release.channel_id),
        "ReleaseNotes": release.notes,
        "CustomFields": release.custom_fields,
        "Packages": [f"{row.package_id} {row.version} ({row.action_name})" for row in packages],
        "Variables": release.variable_snapshot.public_id,
        "LibraryVariables": [entry["id"] for entry in release.library_snapshots],
    }


def _record(actor: Actor, release: Release, verb: str, *, before: dict[str, object]) -> None:
    events.record(
        actor=actor,
        space=release.space,
        category="Modified",
        message=f"Release {release.version} of {release.project.name} was {verb}",
        subject=release.public_id,
        related=[release.project.public_id, release.channel.public_id],
        before=before,
        after=_snapshot(release),
    )
