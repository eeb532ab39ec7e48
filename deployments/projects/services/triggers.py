"""Triggers of a project: creating, changing, pausing, deleting."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Unpack

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events, public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.finding import find, find_one
from deployments.base.naming import require_free_name, required_name
from deployments.infrastructure.models import Environment
from deployments.library.tenancy import Tenancy, found_tenancy
from deployments.projects.models import Channel, Project, ProjectTrigger
from deployments.projects.queries import (
    environments_to_choose,
    process_of,
    project_candidates,
    read_process,
    runbooks_of,
)
from deployments.projects.runbook_tags import known_runbook_tags
from deployments.projects.services.repositories import has_password, keep_repository
from deployments.projects.services.resuming import forget_packages
from deployments.projects.triggers.actions import (
    RUN_RUNBOOK,
    answers_of_action,
    checked_action,
    environments_named,
)
from deployments.projects.triggers.filters import (
    FEEDS,
    SCHEDULES,
    checked_filter,
    timetable_of,
)
from deployments.projects.triggers.git_filter import GIT
from deployments.projects.triggers.project_filter import PROJECT
from deployments.projects.triggers.schedules import next_run


@dataclass(frozen=True, slots=True)
class TriggerInput:
    """A trigger as it shall be; filter and action in the wire's form.

    A `password` of its repository of None keeps the stored one.
    """

    name: str
    filter: Mapping[str, Any]
    action: Mapping[str, Any]
    description: str = ""
    is_disabled: bool = False
    password: str | None = field(default=None, repr=False)


def create_trigger(
    *, actor: Actor, project: Project, trigger: TriggerInput, clock: Clock = utc_now
) -> ProjectTrigger:
    """Create a trigger; it acts as the actor."""
    require_on(actor, project, Permission.TriggerCreate)
    row = ProjectTrigger(space=project.space, project=project, created=clock())
    with transaction.atomic():
        _fill(row, trigger, actor, clock())
        row.save(force_insert=True)
        keep_repository(row, None, trigger.password, clock())
        _record(actor, row, "Created", "created", clock, after=_snapshot(row))
    return row


def update_trigger(
    *, actor: Actor, row: ProjectTrigger, trigger: TriggerInput, clock: Clock = utc_now
) -> ProjectTrigger:
    """Give the trigger these values; it acts as the actor from now on.

    When it runs next changes only with its schedule, or when it goes on after a pause. A pause or
    another action ends a roll-out that it has begun.
    """
    require_on(actor, row, Permission.TriggerEdit)
    before = _snapshot(row)
    with transaction.atomic():
        _fill(row, trigger, actor, clock())
        row.save()
        keep_repository(row, before["Filter"], trigger.password, clock())
        if row.is_disabled != before["IsDisabled"]:
            forget_packages(row)
        if row.is_disabled:
            row.waiting_targets.all().delete()
            row.calls.all().delete()
        if row.is_disabled or row.action != before["Action"]:
            row.pending_deployments.all().delete()
        _record(actor, row, "Modified", "changed", clock, before=before, after=_snapshot(row))
    return row


def set_trigger_disabled(
    *, actor: Actor, row: ProjectTrigger, is_disabled: bool, clock: Clock = utc_now
) -> ProjectTrigger:
    """Pause the trigger or let it go on; what it missed meanwhile is not made up for."""
    trigger = TriggerInput(row.name, row.filter, row.action, row.description, is_disabled)
    return update_trigger(actor=actor, row=row, trigger=trigger, clock=clock)


def delete_trigger(*, actor: Actor, row: ProjectTrigger, clock: Clock = utc_now) -> None:
    """Delete the trigger with its decisions."""
    require_on(actor, row, Permission.TriggerDelete)
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", clock, before=_snapshot(row))
        row.delete()


def _fill(row: ProjectTrigger, trigger: TriggerInput, actor: Actor, now: datetime) -> None:
    old_filter, was_disabled = row.filter if row.pk else None, row.is_disabled
    named = environments_named(row.filter, row.action) if row.pk else frozenset()
    environments = environments_to_choose(actor, row.space, named)
    choosable = set(environments.values_list("pk", flat=True))
    kept_source = row.filter.get("SourceProjectId") if row.pk else None
    row.name = required_name(trigger.name)
    row.description = trigger.description
    row.is_disabled = trigger.is_disabled
    row.filter = checked_filter(trigger.filter, now)
    row.filter_type = row.filter["FilterType"]
    row.action = checked_action(trigger.action, row.filter_type)
    row.saved_by, row.saved_by_name = actor.public_id, actor.username
    _require_things(row, choosable)
    if row.filter_type == PROJECT and row.filter["SourceProjectId"] != kept_source:
        _require_source(row, actor)
    require_free_name(row, "A trigger", project=row.project)
    if row.filter_type not in SCHEDULES or row.is_disabled:
        row.next_run = None
    elif row.filter != old_filter or was_disabled or row.next_run is None:
        table = timetable_of(row.filter)
        row.next_run = next_run(table.schedule, table.zone, now)


def _require_things(row: ProjectTrigger, environments: Collection[int]) -> None:
    """Raise Invalid when filter or action name what does not exist, for the actor at least."""
    action = row.action
    one = [action.get(each) for each in ("DestinationEnvironmentId", "EnvironmentId")]
    for name, ids in (
        ("Action", [text for text in one if text]),
        ("SourceEnvironmentIds", action.get("SourceEnvironmentIds", [])),
        ("EnvironmentIds", row.filter.get("EnvironmentIds", [])),
        ("EnvironmentIds", action.get("EnvironmentIds", [])),
    ):
        for text in ids:
            if public_ids.parse(Environment.id_prefix, text) not in environments:
                raise Invalid(fields={name: [f"There is no environment {text}."]})
    if action["ActionType"] == RUN_RUNBOOK:
        _require_runbook(row)
    if action.get("TenantIds") or action.get("TenantTags"):
        tenancy = Tenancy(tenants=action["TenantIds"], tags=action["TenantTags"])
        found = found_tenancy(row.space, tenancy)
        action["TenantIds"] = [f"Tenants-{number}" for number in found.tenants]
        action["TenantTags"] = list(found.tags)
    _require_plain_answers(row)
    channel = action.get("ChannelId")
    if channel:
        number = public_ids.parse(Channel.id_prefix, channel)
        rows = Channel.objects.in_space(row.space).filter(project=row.project, pk=number or 0)
        if not rows.exists():
            raise Invalid(fields={"ChannelId": [f"The project has no channel {channel}."]})
    if row.filter_type in FEEDS:
        _require_packages(row)
        if not channel:
            raise Invalid(fields={"ChannelId": ["Choose the channel of the release."]})


def _require_source(row: ProjectTrigger, actor: Actor) -> None:
    """Raise Invalid unless the filter names another project that the actor sees."""
    rows = Project.objects.visible_to(actor, row.space, Permission.ProjectView)
    source = find_one(rows, row.filter["SourceProjectId"], field="SourceProjectId")
    if source.pk == row.project_id:
        why = "A project cannot follow itself: that would never end."
        raise Invalid(fields={"SourceProjectId": [why]})


def _require_runbook(row: ProjectTrigger) -> None:
    row.action["RunbookTags"] = known_runbook_tags(row.space, row.action["RunbookTags"])
    if row.action["RunbookTags"]:
        return
    found = find(runbooks_of(row.project), row.action["RunbookId"])
    if found is None:
        missing = f"The project has no runbook {row.action['RunbookId']}."
        raise Invalid(fields={"RunbookId": [missing]})
    row.action["RunbookId"] = found.public_id


def _require_plain_answers(row: ProjectTrigger) -> None:
    """Raise Invalid for an answer to a sensitive prompt: it would be kept and shown as it is."""
    names = {name.lower() for name in answers_of_action(row.action)}
    if not names:
        return
    for each in project_candidates(row.project):
        if each.is_sensitive and names & {each.name.lower(), each.id.lower()}:
            why = (
                f"'{each.name}' is sensitive: give it a default value in the project instead of an"
                " answer in the trigger."
            )
            raise Invalid(fields={"Variables": [why]})


def _require_packages(row: ProjectTrigger) -> None:
    known = {
        (name.lower(), reference.name.lower())
        for _, action in read_process(process_of(row.project)).actions()
        for name in (action.name, action.id)
        for reference in action.packages
    }
    for each in row.filter["Packages"]:
        if (each["DeploymentAction"].lower(), each["PackageReference"].lower()) not in known:
            raise Invalid(
                fields={
                    "Packages": [
                        f"No step '{each['DeploymentAction']}' of the process has such a package."
                    ]
                }
            )


def _snapshot(row: ProjectTrigger) -> dict[str, Any]:
    return {
        "Name": row.name,
        "Description": row.description,
        "IsDisabled": row.is_disabled,
        "Filter": row.filter,
        "Action": row.action,
        **({"HasPassword": has_password(row)} if row.filter_type == GIT and row.pk else {}),
    }


def _record(
    actor: Actor,
    row: ProjectTrigger,
    category: str,
    verb: str,
    clock: Clock,
    **snapshots: Unpack[events.Snapshots],
) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Trigger {row.name} of {row.project.name} was {verb}",
        subject=row.public_id,
        related=[row.project.public_id],
        clock=clock,
        **snapshots,
    )
