"""Storing and deleting what build servers tell about package versions."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from agent.versions import Version, try_read_any
from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Conflict, Invalid
from deployments.base.models import Space
from packages_feed.build_links import safe_url, without_credentials
from packages_feed.models import BuildInformation
from packages_feed.services.store import Outcome, OverwriteMode

_MOST_ID = 200
_MOST_VERSION = 350


def push_build_information(
    *,
    actor: Actor,
    space: Space,
    package_id: str,
    version: str,
    document: Mapping[str, Any],
    overwrite_mode: OverwriteMode | str = OverwriteMode.FAIL,
    clock: Clock = utc_now,
) -> tuple[BuildInformation, Outcome]:
    """Store what is told about the version; raises NotPermitted, Invalid, Conflict."""
    require(actor, space, Permission.BuildInformationPush)
    mode = OverwriteMode.parse(overwrite_mode)
    parsed = _parsed(package_id, version)
    names = {"id_lower": package_id.lower(), "version_lower": parsed.key}
    values = {
        "package_id": package_id,
        "version": parsed.original,
        "version_key": parsed.sort_key,
        "document": _cleaned(document),
        "created": clock(),
    }
    with transaction.atomic():
        row = BuildInformation.objects.in_space(space).filter(**names).first()
        if row is not None:
            return _again(actor, row, values, mode, clock)
        try:
            with transaction.atomic():
                row = BuildInformation.objects.create(space=space, **names, **values)
        except IntegrityError:
            row = BuildInformation.objects.in_space(space).get(**names)
            return _again(actor, row, values, mode, clock)
        _record(actor, row, "Created", "was pushed", clock)
    return row, Outcome.CREATED


def delete_build_information(
    *, actor: Actor, row: BuildInformation, clock: Clock = utc_now
) -> None:
    """Delete it; raises NotPermitted."""
    require(actor, row.space, Permission.BuildInformationAdminister)
    with transaction.atomic():
        _record(actor, row, "Deleted", "was deleted", clock)
        row.delete()


def _again(
    actor: Actor,
    row: BuildInformation,
    values: Mapping[str, Any],
    mode: OverwriteMode,
    clock: Clock,
) -> tuple[BuildInformation, Outcome]:
    if mode is OverwriteMode.IGNORE:
        return row, Outcome.IGNORED
    if mode is OverwriteMode.FAIL:
        raise Conflict("Metadata for the specified Package ID and version already exists.")
    require(actor, row.space, Permission.BuildInformationAdminister)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    _record(actor, row, "Modified", "was replaced", clock)
    return row, Outcome.REPLACED


def _cleaned(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document without credentials; raises Invalid for an address of another kind."""
    url = str(document.get("BuildUrl") or "").strip()
    if url and ":" in url and safe_url(url) is None:
        raise Invalid(fields={"BuildUrl": ["BuildUrl must begin with http:// or https://."]})
    return {**document, "VcsRoot": without_credentials(document.get("VcsRoot"))}


def _parsed(package_id: str, version: str) -> Version:
    parsed = try_read_any(version)
    fields = {}
    if not package_id or len(package_id) > _MOST_ID:
        fields["PackageId"] = [f"PackageId is required, of at most {_MOST_ID} characters."]
    if parsed is None or max(len(parsed.original), len(parsed.sort_key) // 2) > _MOST_VERSION:
        fields["Version"] = [f"'{version[:100]}' is not a version."]
    if fields or parsed is None:
        raise Invalid(fields=fields)
    return parsed


def _record(actor: Actor, row: BuildInformation, category: str, what: str, clock: Clock) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Build information of {row.package_id} {row.version} {what}",
        subject=row.public_id,
        related=[f"packages-{row.package_id}"],
        clock=clock,
    )
