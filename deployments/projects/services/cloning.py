"""Cloning a project: process, runbooks, channels, variables and settings under a new name."""

from dataclasses import replace
from typing import Any

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on, require, require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.library.services import copy_variables
from deployments.projects.models import (
    Channel,
    DeploymentProcess,
    Lifecycle,
    Project,
    ProjectGroup,
    Runbook,
)
from deployments.projects.process import (
    Action,
    Process,
    process_from_json,
    process_to_json,
    resealed_process,
)
from deployments.projects.queries import channels_of, process_of, process_of_runbook, runbooks_of
from deployments.projects.services.projects import insert_project, record_project


def clone_project(
    *,
    actor: Actor,
    source: Project,
    name: str,
    group: ProjectGroup | None = None,
    lifecycle: Lifecycle | None = None,
    description: str = "",
    clock: Clock = utc_now,
) -> Project:
    """Copy a project without its releases; secrets are sealed again for the copy.

    Its runbooks come along where the actor may see them, with no snapshot and so not published.
    """
    group = group or source.group
    require(actor, source.space, Permission.ProjectCreate, project_group=group.pk)
    require_on(actor, source, Permission.ProcessView)
    with transaction.atomic():
        row = Project(
            space=source.space,
            name=required_name(name),
            description=description or source.description,
            group=group,
            lifecycle=lifecycle or source.lifecycle,
            settings=source.settings,
            extra=source.extra,
            cloned_from=source,
            created=clock(),
        )
        require_free_name(row, "A project")
        row.slug = free_slug(row)
        insert_project(row, actor=actor)
        renamed = {source.public_id: row.public_id, **_copy_channels(source, row)}
        row.extra = _extra(source, renamed)
        row.save(update_fields=["extra"])
        target = DeploymentProcess(space=row.space, project=row)
        _copy_process(process_of(source), target, renamed)
        if allows_on(actor, source, Permission.RunbookView):
            renamed |= _copy_runbooks(source, row, renamed)
        if source.variable_set is not None and row.variable_set is not None:
            copy_variables(
                actor=actor, source=source.variable_set, target=row.variable_set, renamed=renamed
            )
        record_project(
            actor, row, "Created", f"cloned from {source.name}", after={"Name": row.name}
        )
    return row


def _copy_channels(source: Project, row: Project) -> dict[str, str]:
    renamed = {}
    for channel in channels_of(source):
        copy = Channel.objects.create(
            space=row.space,
            project=row,
            name=channel.name,
            slug=channel.slug,
            description=channel.description,
            is_default=channel.is_default,
            lifecycle=channel.lifecycle,
            rules=channel.rules,
            extra=channel.extra,
        )
        renamed[channel.public_id] = copy.public_id
    return renamed


def _extra(source: Project, renamed: dict[str, str]) -> dict[str, Any]:
    """Return what the project has beside its settings, about the copy's channels and releases."""
    extra = {**source.extra, "AutoDeployReleaseOverrides": []}
    strategy = extra.get("ReleaseCreationStrategy")
    if isinstance(strategy, dict):
        channel = str(strategy.get("ChannelId") or "")
        extra["ReleaseCreationStrategy"] = {**strategy, "ChannelId": renamed.get(channel)}
    return extra


def _copy_runbooks(source: Project, row: Project, renamed: dict[str, str]) -> dict[str, str]:
    copies = {}
    for runbook in runbooks_of(source):
        copy = Runbook.objects.create(
            space=row.space,
            project=row,
            name=runbook.name,
            slug=runbook.slug,
            description=runbook.description,
            settings=runbook.settings,
            created=row.created,
        )
        target = DeploymentProcess(space=row.space, project=row, runbook=copy)
        _copy_process(process_of_runbook(runbook), target, renamed)
        copies[runbook.public_id] = copy.public_id
    return copies


def _copy_process(
    stored: DeploymentProcess, target: DeploymentProcess, renamed: dict[str, str]
) -> None:
    process = resealed_process(process_from_json(stored.steps), stored.public_id, target.public_id)
    target.steps = process_to_json(_with_channels(process, renamed))
    target.save(force_insert=True)


def _with_channels(process: Process, renamed: dict[str, str]) -> Process:
    def changed(action: Action) -> Action:
        return replace(
            action, channels=tuple(renamed.get(channel, channel) for channel in action.channels)
        )

    return Process(
        tuple(
            replace(step, actions=tuple(changed(action) for action in step.actions))
            for step in process.steps
        )
    )
