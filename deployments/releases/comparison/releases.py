"""What differs between two releases, or between a release and the project as it is now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.base.actor import Actor
from deployments.projects.models import ProcessNote, Project
from deployments.projects.queries import process_of
from deployments.releases.comparison.processes import StepChange, changed_steps
from deployments.releases.comparison.variables import (
    Change,
    States,
    differing_variables,
    states_now,
    states_of_frozen,
)
from deployments.releases.models import Release, ReleaseSelectedPackage
from deployments.releases.queries import releases_of

_MOST_NOTES: Final = 50


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package whose version differs; an empty one is not in the release."""

    action: str
    package: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared; `release` None is the project as it is now."""

    release: Release | None
    steps: Sequence[Mapping[str, Any]]
    variables: States


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences that a reader may see. `steps` is None when processes are hidden."""

    steps: Sequence[StepChange] | None
    variables: Sequence[Change]
    packages: Sequence[PackageChange] = ()
    fields: Sequence[tuple[str, str, str]] = ()
    notes: Sequence[Release] = field(default=())
    process_notes: Sequence[ProcessNote] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.steps or self.variables or self.packages or self.fields)


def compare(actor: Actor, old: Release, new: Release | None) -> Comparison:
    """Compare two releases of a project, or a release with its project when `new` is None."""
    project = old.project
    before, after = _side(old), _side(new) if new is not None else _now(project)
    sees_process = allows_on(actor, project, Permission.ProcessView)
    return Comparison(
        steps=changed_steps(before.steps, after.steps) if sees_process else None,
        variables=differing_variables(actor, project, before.variables, after.variables),
        packages=_packages(old, new) if new is not None else (),
        fields=_fields(old, new) if new is not None else (),
        notes=_notes_between(old, new) if new is not None else (),
        process_notes=_process_notes(old, new) if sees_process else (),
    )


def _side(release: Release) -> Side:
    return Side(release, release.process_snapshot.steps, states_of_frozen(release))


def _now(project: Project) -> Side:
    return Side(None, process_of(project).steps, states_now(project))


def _packages(old: Release, new: Release) -> list[PackageChange]:
    def chosen(release: Release) -> dict[tuple[str, str, str], ReleaseSelectedPackage]:
        rows = ReleaseSelectedPackage.objects.filter(release=release)
        return {(r.action_name, r.reference_name, r.package_id.lower()): r for r in rows}

    before, after = chosen(old), chosen(new)
    changes = []
    for key in dict.fromkeys((*after, *before)):
        was, now = before.get(key), after.get(key)
        if was and now and was.version == now.version:
            continue
        shown = now or was
        if shown is not None:
            old_version, new_version = was.version if was else "", now.version if now else ""
            changes.append(PackageChange(key[0], shown.package_id, old_version, new_version))
    return changes


def _fields(old: Release, new: Release) -> list[tuple[str, str, str]]:
    pairs = [("Channel", old.channel.name, new.channel.name)]
    names = dict.fromkeys((*old.custom_fields, *new.custom_fields))
    pairs += [
        (name, str(old.custom_fields.get(name, "")), str(new.custom_fields.get(name, "")))
        for name in names
    ]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _process_notes(old: Release, new: Release | None) -> list[ProcessNote]:
    """Return what was said about the changes of the process between both, the newest first."""
    process = process_of(old.project)
    versions = (
        old.process_snapshot.version,
        new.process_snapshot.version if new is not None else process.version,
    )
    rows = process.notes.filter(version__gt=min(versions), version__lte=max(versions))
    return list(rows[:_MOST_NOTES])


def _notes_between(old: Release, new: Release) -> list[Release]:
    """Return the releases of the newer one's channel above the older and up to the newer."""
    low, high = sorted((old, new), key=lambda release: release.version_key)
    rows = releases_of(new.project).filter(
        channel=high.channel_id, version_key__gt=low.version_key, version_key__lte=high.version_key
    )
    found = rows.exclude(notes="").defer("build_information").order_by("-version_key")
    return list(found[:_MOST_NOTES])
