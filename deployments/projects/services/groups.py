"""Project groups."""

from typing import Any, Final, Unpack

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.projects.models import Project, ProjectGroup

DEFAULT_NAME: Final = "Default Project Group"


def seed_project_group(space: Space, actor: Actor) -> None:
    """Create the group of a new space."""
    del actor
    if not ProjectGroup.objects.in_space(space).exists():
        ProjectGroup.objects.create(space=space, name=DEFAULT_NAME, slug="default-project-group")


def create_project_group(
    *, actor: Actor, space: Space, name: str, description: str = ""
) -> ProjectGroup:
    """Create a project group."""
    require(actor, space, Permission.ProjectGroupCreate)
    group = ProjectGroup(space=space, name=required_name(name), description=description)
    with transaction.atomic():
        require_free_name(group, "A project group")
        group.slug = free_slug(group)
        group.save(force_insert=True)
        _record(actor, group, "Created", "created", after=_snapshot(group))
    return group


def update_project_group(
    *, actor: Actor, group: ProjectGroup, name: str, description: str = ""
) -> ProjectGroup:
    """Give the group these values."""
    require_on(actor, group, Permission.ProjectGroupEdit)
    before = _snapshot(group)
    group.name, group.description = required_name(name), description
    with transaction.atomic():
        require_free_name(group, "A project group")
        group.save()
        _record(actor, group, "Modified", "changed", before=before, after=_snapshot(group))
    return group


def delete_project_group(*, actor: Actor, group: ProjectGroup) -> None:
    """Delete an empty group."""
    require_on(actor, group, Permission.ProjectGroupDelete)
    if Project.objects.in_space(group.space).filter(group=group).exists():
        raise Invalid(f"The project group '{group.name}' still has projects. Move them first.")
    with transaction.atomic():
        _record(actor, group, "Deleted", "deleted", before=_snapshot(group))
        group.delete()


def _snapshot(group: ProjectGroup) -> dict[str, Any]:
    return {"Name": group.name, "Description": group.description}


def _record(
    actor: Actor,
    group: ProjectGroup,
    category: str,
    verb: str,
    **snapshots: Unpack[events.Snapshots],
) -> None:
    events.record(
        actor=actor,
        space=group.space,
        category=category,
        message=f"Project group {group.name} was {verb}",
        subject=group.public_id,
        **snapshots,
    )
