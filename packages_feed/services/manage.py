"""Deleting, unlisting and relisting versions."""

from collections.abc import Iterable

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import NotFound
from deployments.base.models import Space
from packages_feed.models import PackageVersion
from packages_feed.services.blobs import drop_after_commit
from packages_feed.services.latest import find_latest, hold_packages
from packages_feed.services.permissions import require_for_package
from packages_feed.services.retention import hold_numbers


def delete_version(*, actor: Actor, version: PackageVersion, clock: Clock = utc_now) -> None:
    """Delete the version; its bytes go when no other version names them. Raises NotPermitted."""
    space = version.space
    _require(actor, space, version, "to delete a package")
    with transaction.atomic():
        if not hold_numbers(space, [version.pk]):
            return  # another request was faster
        hold_packages(space, [version.id_lower])
        PackageVersion.objects.in_space(space).filter(pk=version.pk).delete()
        find_latest(space, [version.id_lower])
        events.record(
            actor=actor,
            space=space,
            category="Deleted",
            message=f"Package {version.package_id} {version.version} was deleted",
            subject=version.wire_id,
            related=[f"packages-{version.package_id}"],
            before={"Hash": version.sha1, "Size": version.size},
            clock=clock,
        )
        drop_after_commit(version.blob_id)


def delete_versions(
    *, actor: Actor, versions: Iterable[PackageVersion], clock: Clock = utc_now
) -> int:
    """Delete all of them or none; return how many there were. Raises NotPermitted."""
    wanted = list(versions)
    with transaction.atomic():
        for space in dict.fromkeys(version.space for version in wanted):
            mine = [version for version in wanted if version.space_id == space.pk]
            hold_numbers(space, [version.pk for version in mine])
            hold_packages(space, [version.id_lower for version in mine])
        for version in wanted:
            delete_version(actor=actor, version=version, clock=clock)
    return len(wanted)


def set_listed(
    *, actor: Actor, version: PackageVersion, listed: bool, clock: Clock = utc_now
) -> PackageVersion:
    """Show the version in searches, or hide it there; it stays installable.

    Raises NotPermitted, or NotFound when it was deleted just now.
    """
    _require(actor, version.space, version, "to list or unlist a package")
    if version.listed == listed:
        return version
    with transaction.atomic():
        if not hold_numbers(version.space, [version.pk]):
            raise NotFound(f"{version.package_id} {version.version} is not in the feed any more.")
        version.listed = listed
        version.save(update_fields=["listed"])
        find_latest(version.space, [version.id_lower])
        events.record(
            actor=actor,
            space=version.space,
            category="Modified",
            message=f"Package {version.package_id} {version.version} was"
            f" {'listed' if listed else 'unlisted'}",
            subject=version.wire_id,
            related=[f"packages-{version.package_id}"],
            before={"Listed": not listed},
            after={"Listed": listed},
            clock=clock,
        )
    return version


def _require(actor: Actor, space: Space, version: PackageVersion, purpose: str) -> None:
    require_for_package(
        actor, space, Permission.BuiltInFeedAdminister, version.package_id, purpose=purpose
    )
