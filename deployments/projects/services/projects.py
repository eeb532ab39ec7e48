"""Creating, changing, cloning and deleting projects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from django.db import transaction
from django.db.models import ProtectedError

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base import events, public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.finding import find_all
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.library.models import LibraryVariableSet
from deployments.library.services import create_variable_set
from deployments.projects.models import (
    Channel,
    DeploymentProcess,
    Lifecycle,
    Project,
    ProjectGroup,
)
from deployments.projects.services.resuming import resume_triggers
from deployments.projects.services.settings import checked_extra, checked_settings
from deployments.projects.settings import extra_document

DEFAULT_CHANNEL = "Default"
_INCLUDED = "IncludedLibraryVariableSetIds"


@dataclass(frozen=True, slots=True)
class ProjectInput:
    """A project as it shall be. `settings` and `extra` are documents in the wire's form; None
    keeps what is stored.
    """

    name: str
    group: ProjectGroup
    lifecycle: Lifecycle
    description: str = ""
    slug: str = ""
    is_disabled: bool = False
    settings: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] | None = None


def create_project(
    *, actor: Actor, space: Space, project: ProjectInput, clock: Clock = utc_now
) -> Project:
    """Create a project with its default channel, an empty process and an empty variable set."""
    require(actor, space, Permission.ProjectCreate, project_group=project.group.pk)
    row = Project(space=space, created=clock())
    with transaction.atomic():
        _fill(actor, row, project)
        insert_project(row, actor=actor)
        Channel.objects.create(
            space=space,
            project=row,
            name=DEFAULT_CHANNEL,
            slug=DEFAULT_CHANNEL.lower(),
            is_default=True,
        )
        DeploymentProcess.objects.create(space=space, project=row)
        record_project(actor, row, "Created", "created", after=_snapshot(row))
    return row


def insert_project(row: Project, *, actor: Actor) -> None:
    """Store a new project with an empty variable set; part of creating and cloning."""
    row.save(force_insert=True)
    row.variable_set = create_variable_set(actor=actor, space=row.space, owner_id=row.public_id)
    row.save(update_fields=["variable_set"])


def update_project(
    *, actor: Actor, row: Project, project: ProjectInput, clock: Clock = utc_now
) -> Project:
    """Give the project these values; moving it to another group needs ProjectEdit there too.

    When it is enabled again, its triggers do not make up for what came meanwhile.
    """
    require_on(actor, row, Permission.ProjectEdit)
    if project.group.pk != row.group_id:
        require(
            actor,
            row.space,
            Permission.ProjectEdit,
            project=row.pk,
            project_group=project.group.pk,
        )
    before = _snapshot(row)
    with transaction.atomic():
        _fill(actor, row, project)
        row.save()
        if before["IsDisabled"] and not row.is_disabled:
            resume_triggers(row, clock())
        record_project(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def update_settings(*, actor: Actor, row: Project, settings: Mapping[str, Any]) -> Project:
    """Replace the deployment settings."""
    require_on(actor, row, Permission.ProjectEdit)
    before = _snapshot(row)
    with transaction.atomic():
        row.settings = checked_settings(settings)
        row.save(update_fields=["settings"])
        record_project(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def set_project_extra(*, actor: Actor, row: Project, extra: Mapping[str, Any]) -> Project:
    """Change some of what a project has beside its settings, such as whether it is for tenants."""
    require_on(actor, row, Permission.ProjectEdit)
    before = _snapshot(row)
    with transaction.atomic():
        row.extra = {**row.extra, **_checked_extra(actor, row, extra)}
        row.save(update_fields=["extra"])
        record_project(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def delete_project(*, actor: Actor, row: Project) -> None:
    """Delete a project that has no releases, with its process, channels and variables."""
    require_on(actor, row, Permission.ProjectDelete)
    variable_set = row.variable_set
    with transaction.atomic():
        record_project(actor, row, "Deleted", "deleted", before=_snapshot(row))
        try:
            row.delete()
        except ProtectedError as error:
            raise Invalid(
                f"The project '{row.name}' cannot be deleted because it has releases or runbook"
                " runs. Delete them first, or disable the project."
            ) from error
        if variable_set is not None:
            variable_set.delete()


def _fill(actor: Actor, row: Project, project: ProjectInput) -> None:
    row.name = required_name(project.name)
    row.description = project.description
    row.is_disabled = project.is_disabled
    if project.group.space_id != row.space_id:
        raise Invalid(fields={"ProjectGroupId": ["The project group does not exist."]})
    if project.lifecycle.space_id != row.space_id:
        raise Invalid(fields={"LifecycleId": ["The lifecycle does not exist."]})
    row.group, row.lifecycle = project.group, project.lifecycle
    if project.settings is not None:
        row.settings = checked_settings(project.settings)
    if project.extra is not None:
        row.extra = {**row.extra, **_checked_extra(actor, row, project.extra)}
    require_free_name(row, "A project")
    row.slug = free_slug(row, project.slug or row.slug)


def _checked_extra(actor: Actor, row: Project, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known parts; whoever includes a library set must be allowed to see it."""
    checked = checked_extra(extra)
    wanted = checked.get(_INCLUDED)
    if not wanted:
        return checked
    there = set(extra_document(row.extra)[_INCLUDED])
    seen = LibraryVariableSet.objects.visible_to(
        actor, row.space, Permission.LibraryVariableSetView
    )
    find_all(seen, (text for text in wanted if text not in there), field=_INCLUDED)
    return {**checked, _INCLUDED: list(dict.fromkeys(wanted))}


def _snapshot(row: Project) -> dict[str, Any]:
    return {
        "Name": row.name,
        "Slug": row.slug,
        "Description": row.description,
        "IsDisabled": row.is_disabled,
        "ProjectGroupId": public_ids.make("ProjectGroups", row.group_id),
        "LifecycleId": public_ids.make("Lifecycles", row.lifecycle_id),
        **row.settings,
        **row.extra,
    }


def record_project(
    actor: Actor, row: Project, category: str, verb: str, **snapshots: Unpack[events.Snapshots]
) -> None:
    """Record an act on a project."""
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Project {row.name} was {verb}",
        subject=row.public_id,
        related=[public_ids.make("ProjectGroups", row.group_id)],
        **snapshots,
    )
