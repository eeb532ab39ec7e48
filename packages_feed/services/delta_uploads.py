"""Uploads of what is new against an earlier version, as Octopus's clients make them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from agent.versions import Version
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, NotFound, OctopusError
from deployments.base.models import Space
from packages_feed.ingest import (
    Spool,
    Spooled,
    current_limits,
    describe_package,
    spool_stream,
)
from packages_feed.models import PackageVersion
from packages_feed.octodiff import apply_delta, signature_of
from packages_feed.queries import find_version, versions_of
from packages_feed.services.permissions import require_for_package
from packages_feed.services.store import OverwriteMode, Stored, store_package
from packages_feed.storage import package_storage

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a package that signatures are made of; each takes 25 nanoseconds of the processor."""


class WrongBase(OctopusError):
    """What comes of the delta is not the file that the client has; it has to send the whole."""

    def __init__(self) -> None:
        super().__init__("The delta does not lead to the file that it was made of. Send the whole.")


def delta_signature(
    *, actor: Actor, space: Space, package_id: str, version: str
) -> tuple[bytes, str]:
    """Return the signature and the number of the version before the one that is to be uploaded.

    Raises NotPermitted, and NotFound where a delta has nothing to build on.
    """
    require_for_package(actor, space, Permission.BuiltInFeedPush, package_id)
    parsed = Version.try_parse(version)
    rows = versions_of(space, package_id).filter(size__lte=LARGEST)
    base = rows.filter(version_key__lt=parsed.sort_key).first() if parsed else None
    if base is None:
        raise NotFound("There is no earlier version that an upload could build on.")
    with _opened(base) as file:
        return signature_of(file), base.version


def store_delta(
    *,
    actor: Actor,
    space: Space,
    package_id: str,
    base_version: str,
    delta: Spooled,
    file_name: str | None,
    overwrite_mode: OverwriteMode | str = OverwriteMode.FAIL,
    clock: Clock = utc_now,
) -> Stored:
    """Make the new file from the earlier version and add it to the feed under its name.

    Raises NotFound for a base that is no more, WrongBase, Invalid for what is no delta, and what
    `store_package` raises.
    """
    require_for_package(actor, space, Permission.BuiltInFeedPush, package_id)
    base = find_version(space, package_id, base_version)
    if base is None:
        raise NotFound(f"There is no version {base_version[:100]} to build on. Send the whole.")
    folder, limits = package_storage().spool_folder, current_limits()
    with (
        Spool(folder, limit=limits.package) as spool,
        _opened(base) as file,
        delta.path.open("rb") as commands,
    ):
        expected = apply_delta(file, base.size, commands, spool.write)
        made = spool.finish()
        if made.sha1 != expected:
            raise WrongBase
        # Otherwise a package that one may not read could be had as part of one's own.
        described = describe_package(made, file_name, limits)
        if described.package_id.lower() != base.id_lower:
            raise Invalid("A delta makes a version of the same package.")
        return store_package(
            actor=actor,
            space=space,
            file=made,
            file_name=file_name,
            overwrite_mode=overwrite_mode,
            clock=clock,
        )


@contextmanager
def _opened(version: PackageVersion) -> Iterator[BinaryIO]:
    """Give the package as a file of this machine, of which parts are quickly read."""
    storage = package_storage()
    path = storage.local_path(version.blob_id)
    if path is not None:
        with path.open("rb") as file:
            yield file
        return
    with Spool(storage.spool_folder, limit=max(version.size, 1)) as spool:
        fetched = spool_stream(spool, storage.open(version.blob_id))
        with fetched.path.open("rb") as file:
            yield file
