"""Creating, changing and deleting runbooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Unpack

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.base.participation import Participation
from deployments.projects.models import DeploymentProcess, Project, Runbook
from deployments.projects.queries import environments_to_choose
from deployments.projects.retention import InvalidRetention, policy_from_json, policy_to_json
from deployments.projects.runbook_tags import carried_runbook_tags
from deployments.projects.runbooks import ENVIRONMENT_SCOPES, RUNBOOK_DEFAULTS, runbook_document
from deployments.projects.services.settings import checked_settings


@dataclass(frozen=True, slots=True)
class RunbookInput:
    """A runbook as it shall be; `settings` in the wire's form, what is left out is kept."""

    name: str
    description: str = ""
    slug: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def create_runbook(
    *, actor: Actor, project: Project, runbook: RunbookInput, clock: Clock = utc_now
) -> Runbook:
    """Create a runbook with an empty process."""
    require_on(actor, project, Permission.RunbookEdit)
    row = Runbook(space=project.space, project=project, created=clock())
    with transaction.atomic():
        _fill(actor, row, runbook)
        row.save(force_insert=True)
        DeploymentProcess.objects.create(space=row.space, project=project, runbook=row)
        record_runbook(actor, row, "Created", "created", after=_snapshot(row))
    return row


def update_runbook(*, actor: Actor, row: Runbook, runbook: RunbookInput) -> Runbook:
    """Give the runbook these values."""
    require_on(actor, row, Permission.RunbookEdit)
    before = _snapshot(row)
    with transaction.atomic():
        _fill(actor, row, runbook)
        row.save()
        record_runbook(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def record_runbook(
    actor: Actor, row: Runbook, category: str, verb: str, **snapshots: Unpack[events.Snapshots]
) -> None:
    """Record an event about a runbook; joins the caller's transaction."""
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Runbook {row.name} of {row.project.name} was {verb}",
        subject=row.public_id,
        related=[row.project.public_id],
        **snapshots,
    )


def checked_runbook_settings(
    actor: Actor, row: Runbook, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the known parts of a runbook's settings; raises Invalid."""
    known = {name: value for name, value in given.items() if name in RUNBOOK_DEFAULTS}
    document = runbook_document({**row.settings, **known})
    shared = (
        "ConnectivityPolicy",
        "DefaultGuidedFailureMode",
        "ForcePackageDownload",
        "FailTargetDiscovery",
        "CancelQueuedTasks",
        "CancelRunningTasks",
    )
    checked_settings({name: document[name] for name in shared})
    _require_one("EnvironmentScope", document["EnvironmentScope"], ENVIRONMENT_SCOPES)
    _require_one("MultiTenancyMode", document["MultiTenancyMode"], tuple(Participation))
    for name in ("Environments", "RunbookTags"):
        if not all(isinstance(each, str) for each in document[name]):
            raise Invalid(fields={name: [f"{name} must be a list of texts."]})
    _require_environments(actor, row, document["Environments"])
    document["RunbookTags"] = carried_runbook_tags(row.space, document["RunbookTags"])
    document["RunRetentionPolicy"] = _retention(document["RunRetentionPolicy"])
    return document


def _fill(actor: Actor, row: Runbook, runbook: RunbookInput) -> None:
    row.name = required_name(runbook.name)
    row.description = runbook.description
    row.settings = checked_runbook_settings(actor, row, runbook.settings)
    require_free_name(row, "A runbook", project=row.project)
    row.slug = free_slug(row, runbook.slug or row.slug, project=row.project)


def _require_one(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise Invalid(fields={name: [f"{name} must be one of {', '.join(choices)}."]})


def _require_environments(actor: Actor, row: Runbook, ids: list[str]) -> None:
    rows = environments_to_choose(actor, row.space, row.settings.get("Environments", ()))
    known = {each.public_id for each in rows}
    missing = [each for each in ids if each not in known]
    if missing:
        raise Invalid(
            fields={"Environments": [f"There is no environment {', '.join(missing)} here."]}
        )


def _retention(policy: Mapping[str, Any]) -> dict[str, Any]:
    try:
        checked = policy_from_json(policy)
    except InvalidRetention as error:
        raise Invalid(fields={"RunRetentionPolicy": [str(error)]}) from error
    # What counts is the space's; the number stays for when it is chosen again.
    kept = policy if policy["Strategy"] == "Default" else policy_to_json(checked)
    names = ("Strategy", "QuantityToKeep", "Unit", "ShouldKeepForever")
    return {name: kept[name] for name in names}


def _snapshot(row: Runbook) -> dict[str, Any]:
    return {
        "Name": row.name,
        "Slug": row.slug,
        "Description": row.description,
        **runbook_document(row.settings),
    }
