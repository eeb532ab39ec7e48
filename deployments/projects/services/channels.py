"""Channels of a project and their version rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Unpack
from uuid import uuid4

from django.db import transaction
from django.db.models import ProtectedError

from agent.versions import InvalidTagPattern, InvalidVersionRange, Version, matches_tag
from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.projects.custom_fields import (
    InvalidFields,
    definitions_from_json,
    definitions_to_json,
)
from deployments.projects.models import Channel, Lifecycle, Project
from deployments.projects.services.channel_uses import require_unnamed
from deployments.projects.version_rules import parse_range

_KEPT = (
    "TenantTags",
    "GitReferenceRules",
    "GitResourceRules",
    "CustomFieldDefinitions",
)


@dataclass(frozen=True, slots=True)
class ChannelInput:
    """A channel as it shall be; rules in the wire's form. `lifecycle` None means the project's."""

    name: str
    description: str = ""
    slug: str = ""
    lifecycle: Lifecycle | None = None
    is_default: bool = False
    rules: Sequence[Mapping[str, Any]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def create_channel(*, actor: Actor, project: Project, channel: ChannelInput) -> Channel:
    """Create a channel; a new default takes the flag from the old one."""
    require_on(actor, project, Permission.ProcessEdit)
    row = Channel(space=project.space, project=project)
    with transaction.atomic():
        _fill(row, channel)
        _give_default(row, is_default=channel.is_default)
        row.save(force_insert=True)
        _record(actor, row, "Created", "created", after=_snapshot(row))
    return row


def update_channel(*, actor: Actor, row: Channel, channel: ChannelInput) -> Channel:
    """Give the channel these values; the default stays one until another takes the flag."""
    require_on(actor, row, Permission.ProcessEdit)
    before = _snapshot(row)
    with transaction.atomic():
        _fill(row, channel)
        _give_default(row, is_default=row.is_default or channel.is_default)
        row.save()
        _record(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def delete_channel(*, actor: Actor, row: Channel) -> None:
    """Delete a channel that is not the default, has no releases and that nothing names."""
    require_on(actor, row, Permission.ProcessEdit)
    if row.is_default:
        raise Invalid(
            f"The channel '{row.name}' is the default of its project and cannot be deleted."
        )
    require_unnamed(row)
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", before=_snapshot(row))
        try:
            row.delete()
        except ProtectedError as error:
            raise Invalid(
                f"The channel '{row.name}' cannot be deleted because it has releases."
            ) from error


def _fill(row: Channel, channel: ChannelInput) -> None:
    row.name = required_name(channel.name)
    row.description = channel.description
    if channel.lifecycle is not None and channel.lifecycle.space_id != row.space_id:
        raise Invalid(fields={"LifecycleId": ["The lifecycle does not exist."]})
    row.lifecycle = channel.lifecycle
    row.rules = _rules(channel.rules)
    row.extra = {
        name: list(channel.extra[name]) for name in _KEPT if _is_list(name, channel.extra.get(name))
    }
    definitions = row.extra.get("CustomFieldDefinitions")
    if definitions:
        row.extra["CustomFieldDefinitions"] = _definitions(definitions)
    require_free_name(row, "A channel", project=row.project)
    row.slug = free_slug(row, channel.slug or row.slug, project=row.project)


def _definitions(entries: Sequence[Any]) -> list[dict[str, str]]:
    try:
        return definitions_to_json(definitions_from_json(entries))
    except InvalidFields as error:
        raise Invalid(fields={"CustomFieldDefinitions": list(error.errors)}) from error


def _give_default(row: Channel, *, is_default: bool) -> None:
    if is_default and not row.is_default:
        others = Channel.objects.in_space(row.space).filter(project=row.project, is_default=True)
        others.update(is_default=False)
    row.is_default = is_default


def _rules(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    errors: list[str] = []
    kept = []
    taken: set[tuple[str, str]] = set()
    for number, rule in enumerate(rules, start=1):
        fields = {name.lower(): value for name, value in rule.items()}
        version_range = str(fields.get("versionrange") or "").strip()
        tag = str(fields.get("tag") or "")
        errors += _rule_errors(number, version_range, tag)
        entries = fields.get("actionpackages")
        has_packages = _is_list("ActionPackages", entries)
        packages = [_package(entry) for entry in entries or ()] if has_packages else []
        for package in packages:
            key = (package["DeploymentAction"].lower(), package["PackageReference"].lower())
            if key in taken:
                errors.append(
                    f"More than one version rule is about the package of the step '{key[0]}'."
                )
            taken.add(key)
        kept.append(
            {
                "Id": str(fields.get("id") or uuid4()),
                "VersionRange": version_range,
                "Tag": tag,
                "ActionPackages": packages,
            }
        )
    if errors:
        raise Invalid(fields={"Rules": dict.fromkeys(errors)})
    return kept


def _is_list(name: str, value: Any) -> bool:
    """Tell whether there are entries; raises Invalid for what is no list."""
    if value and not isinstance(value, list | tuple):
        raise Invalid(fields={name: [f"{name} must be a list."]})
    return bool(value)


def _rule_errors(number: int, version_range: str, tag: str) -> list[str]:
    errors = []
    try:
        if version_range:
            parse_range(version_range)
    except InvalidVersionRange as error:
        errors.append(f"Rule {number}: {error}")
    try:
        matches_tag(Version.parse("1.0.0-a"), tag)
    except InvalidTagPattern as error:
        errors.append(f"Rule {number}: {error}")
    return errors


def _package(entry: Any) -> dict[str, str]:
    if isinstance(entry, str):
        return {"DeploymentAction": entry, "PackageReference": ""}
    if not isinstance(entry, Mapping):
        raise Invalid(fields={"Rules": ["An entry of ActionPackages must be an object."]})
    fields = {str(name).lower(): value for name, value in entry.items()}
    return {
        "DeploymentAction": str(fields.get("deploymentaction") or ""),
        "PackageReference": str(fields.get("packagereference") or ""),
    }


def _snapshot(row: Channel) -> dict[str, Any]:
    return {
        "Name": row.name,
        "Description": row.description,
        "IsDefault": row.is_default,
        "LifecycleId": row.lifecycle.public_id if row.lifecycle else None,
        "Rules": row.rules,
        **row.extra,
    }


def _record(
    actor: Actor, row: Channel, category: str, verb: str, **snapshots: Unpack[events.Snapshots]
) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Channel {row.name} of {row.project.name} was {verb}",
        subject=row.public_id,
        related=[row.project.public_id],
        **snapshots,
    )
