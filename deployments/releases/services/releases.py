"""Cutting a release: channel, package versions, number, snapshots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import IntegrityError, transaction

from agent.language import LanguageError, evaluate
from agent.versions import Version, is_mask
from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.projects.custom_fields import (
    InvalidFields,
    checked_fields,
    stored_definitions,
)
from deployments.projects.models import Channel, DeploymentProcess, Project
from deployments.projects.queries import process_of, project_candidates, read_process
from deployments.projects.settings import DeploymentSettings, deployment_settings, extra_document
from deployments.releases.builds import build_variables, builds_of
from deployments.releases.models import Release, ReleaseSelectedPackage
from deployments.releases.numbering import InvalidNumber, filled_number, number_from_template
from deployments.releases.queries import find_release, used_numbers
from deployments.releases.selection import PackageSpec
from deployments.releases.services.channel_choice import resolve_channel
from deployments.releases.services.packages import (
    NeededPackage,
    PackageWishes,
    SelectedPackage,
    VersionGone,
    hold_selection,
    needed_packages,
    refresh_feeds,
    require_rules,
    select_packages,
    wished_version,
)
from deployments.releases.services.snapshots import freeze_library, freeze_process, freeze_variables
from deployments.releases.variables import values_at_release

_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class ReleaseInput:
    """The arguments of create_release on their way through this module."""

    version: str
    channel: Channel
    packages: Sequence[PackageSpec]
    package_version: str
    package_prerelease: str
    notes: str
    ignore_channel_rules: bool
    ignore_if_exists: bool
    custom_fields: Mapping[str, str]


def create_release(
    *,
    actor: Actor,
    project: Project,
    version: str = "",
    channel: Channel | None = None,
    selected_packages: Sequence[PackageSpec] = (),
    package_version: str = "",
    package_prerelease: str = "",
    notes: str = "",
    ignore_channel_rules: bool = False,
    ignore_if_exists: bool = False,
    custom_fields: Mapping[str, str] | None = None,
    asks_feeds: bool = True,
    clock: Clock = utc_now,
) -> Release:
    """Cut a release; raises Invalid when the project is disabled, a package or number will not do.

    `version` may be a mask and is made from the project's template when empty. `selected_packages`
    name versions, `package_version` is for all others, else the newest that fits is taken, of those
    with the `package_prerelease` label if given. Without a channel it is the one that fits the
    versions that were named (deployments.releases.channel_choice). With `ignore_if_exists` a
    release of the same number is returned as it is. External feeds are asked for the versions that
    are not named, unless `asks_feeds` is off: then what they said last is taken.
    """
    require_on(actor, project, Permission.ReleaseCreate)
    wishes = PackageWishes(selected_packages, package_version, package_prerelease)
    release = ReleaseInput(
        version=version.strip(),
        channel=channel or resolve_channel(project, "", wishes, ignore_rules=ignore_channel_rules),
        packages=selected_packages,
        package_version=package_version,
        package_prerelease=package_prerelease,
        notes=notes,
        ignore_channel_rules=ignore_channel_rules,
        ignore_if_exists=ignore_if_exists,
        custom_fields={},
    )
    _require_possible(project, release)
    if release.ignore_if_exists and release.version:
        existing = find_release(project, release.version)
        if existing is not None:
            return existing
    release = replace(release, custom_fields=fields_for(release.channel, custom_fields or {}))
    return _create_repeatedly(actor, project, release, clock, asks_feeds=asks_feeds)


def fields_for(channel: Channel, given: Mapping[str, str]) -> dict[str, str]:
    """Return the custom fields of a release in the channel; raises Invalid."""
    definitions = stored_definitions(channel.extra)
    try:
        return checked_fields(given, definitions)
    except InvalidFields as error:
        raise Invalid(fields={"CustomFields": list(error.errors)}) from error


def _require_possible(project: Project, release: ReleaseInput) -> None:
    if project.is_disabled:
        raise Invalid(f"The project '{project.name}' is disabled: no releases can be created.")
    if release.channel.project_id != project.pk:
        raise Invalid(f"The channel is not one of the project '{project.name}'.")
    may_ignore = extra_document(project.extra)["AllowIgnoreChannelRules"]
    if release.ignore_channel_rules and not may_ignore:
        raise Invalid(f"The project '{project.name}' does not allow ignoring channel rules.")


def _create_repeatedly(
    actor: Actor, project: Project, release: ReleaseInput, clock: Clock, *, asks_feeds: bool
) -> Release:
    """Create; when somebody takes the same number at the same moment, take the next one.

    Likewise when retention takes a package that was just chosen.
    """
    has_fixed_number = bool(release.version) and not is_mask(release.version)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _create(actor, project, release, clock, must_be_told=asks_feeds)
        except _FeedsUnasked as unasked:  # they must not be asked inside the transaction
            refresh_feeds(unasked.needed, clock=clock)
            asks_feeds = False
        except VersionGone:
            if attempt == _ATTEMPTS:
                raise
        except IntegrityError:
            if has_fixed_number or attempt == _ATTEMPTS:
                raise taken(release.version) from None
    raise AssertionError("unreachable")


class _FeedsUnasked(Exception):
    """The versions of these packages must be read from external feeds first."""

    def __init__(self, needed: Sequence[NeededPackage]) -> None:
        super().__init__("external feeds are to be asked")
        self.needed = needed


def _create(
    actor: Actor, project: Project, release: ReleaseInput, clock: Clock, *, must_be_told: bool
) -> Release:
    channel = release.channel
    settings = deployment_settings(project.settings)
    process = process_of(project)
    values = values_at_release(
        project_candidates(project),
        project=project.public_id,
        channel=channel.public_id,
    )
    selected = _selected(project, release, process, values, must_be_told=must_be_told)
    number = _number(project, channel, release.version, settings, selected, values, clock)
    existing = find_release(project, number)
    if existing is not None:
        if release.ignore_if_exists:
            return existing
        raise taken(number)
    if project.variable_set is None:
        raise Invalid(f"The project '{project.name}' has no variable set.")
    builds = builds_of(project.space, package_pairs(selected))
    known = {
        **values,
        **build_variables(package_pairs(selected), builds),
        **{f"Octopus.Release.CustomFields[{k}]": v for k, v in release.custom_fields.items()},
        "Octopus.Release.Number": number,
        "Octopus.Release.Channel.Name": channel.name,
        "Octopus.Project.Name": project.name,
    }
    row = Release.objects.create(
        space=project.space,
        project=project,
        channel=channel,
        **version_columns(number),
        notes=release.notes or _notes(settings, known),
        assembled=clock(),
        assembled_by=actor.username,
        process_snapshot=freeze_process(process, clock),
        variable_snapshot=freeze_variables(project.variable_set, clock),
        library_snapshots=freeze_library(project, clock),
        ignore_channel_rules=release.ignore_channel_rules,
        custom_fields=dict(release.custom_fields),
        build_information=builds,
    )
    hold_selection(project.space, selected)
    store_selection(row, selected)
    _record(actor, row, selected, clock)
    return row


def _selected(
    project: Project,
    release: ReleaseInput,
    process: DeploymentProcess,
    values: Mapping[str, str | None],
    *,
    must_be_told: bool,
) -> list[SelectedPackage]:
    """Choose the packages; raises _FeedsUnasked if wanted, when external feeds have a say."""
    channel = release.channel
    needed = needed_packages(project.space, read_process(process), channel, values)
    wishes = PackageWishes(release.packages, release.package_version, release.package_prerelease)
    unasked = [
        need
        for need in needed
        if need.feed and not need.feed.is_built_in and not wished_version(need, wishes)
    ]
    if must_be_told and unasked:
        raise _FeedsUnasked(unasked)
    selected = select_packages(project.space, needed, channel, wishes)
    if not release.ignore_channel_rules:
        require_rules(channel, selected)
    return selected


def _record(actor: Actor, row: Release, selected: Sequence[SelectedPackage], clock: Clock) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category="Created",
        message=f"Release {row.version} of {row.project.name} was created",
        subject=row.public_id,
        related=[row.project.public_id, row.channel.public_id],
        after={
            "Version": row.version,
            "Channel": row.channel.name,
            "Packages": [f"{p.need.package_id} {p.version}" for p in selected],
        },
        clock=clock,
    )


def version_columns(number: str) -> dict[str, str]:
    """Return the columns of a release that hold its number."""
    return {
        "version": number,
        "version_lower": number.lower(),
        "version_key": Version.parse(number).sort_key,
    }


def store_selection(row: Release, selected: Sequence[SelectedPackage]) -> None:
    """Store the chosen versions of a release's packages."""
    ReleaseSelectedPackage.objects.bulk_create(
        [ReleaseSelectedPackage(release=row, **package.columns) for package in selected]
    )


def next_number(
    project: Project,
    channel: Channel,
    selected: Sequence[SelectedPackage],
    clock: Clock = utc_now,
) -> str:
    """Return the number that a release cut now would get. Raises Invalid."""
    values = values_at_release(
        project_candidates(project),
        project=project.public_id,
        channel=channel.public_id,
    )
    settings = deployment_settings(project.settings)
    return _number(project, channel, "", settings, selected, values, clock)


def _number(
    project: Project,
    channel: Channel,
    wish: str,
    settings: DeploymentSettings,
    selected: Sequence[SelectedPackage],
    values: Mapping[str, str | None],
    clock: Clock,
) -> str:
    used, by_channel = used_numbers(project)
    try:
        if wish:
            return filled_number(wish, used)
        if settings.has_donor:
            return _donated(settings, selected)
        return number_from_template(
            settings.version_template,
            used=used,
            channel=channel.name,
            used_in_channels=by_channel,
            variables=values,
            now=clock(),
        )
    except InvalidNumber as error:
        raise Invalid(str(error)) from error


def _donated(settings: DeploymentSettings, selected: Sequence[SelectedPackage]) -> str:
    wanted = settings.donor_action.lower()
    for package in selected:
        action = package.need.action
        named = wanted in {action.name.lower(), action.id.lower()}
        if named and package.need.reference.name.lower() == settings.donor_reference.lower():
            return filled_number(package.version, ())
    raise Invalid(
        f"The release takes its number from a package of the step '{settings.donor_action}', which"
        " this channel does not have. Give the number of the release."
    )


def _notes(settings: DeploymentSettings, known: Mapping[str, str | None]) -> str:
    if not settings.release_notes_template:
        return ""
    try:
        return evaluate(settings.release_notes_template, known).text
    except LanguageError as error:
        raise Invalid(f"The release notes template cannot be used: {error}") from error


def package_pairs(selected: Sequence[SelectedPackage]) -> list[tuple[str, str]]:
    """Return package id and version of the packages; releases of other projects are none."""
    return [(p.need.package_id, p.version) for p in selected if p.need.project is None]


def taken(number: str) -> Invalid:
    """Return the error for a number that another release of the project has."""
    return Invalid(
        f"Release '{number}' already exists for this project. Please use a different version, or"
        " look at using a mask to auto-increment the number."
    )
