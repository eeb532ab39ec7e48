"""Deleting versions and build information that are no longer kept; who calls decides which."""

from collections.abc import Iterable, Mapping

from django.db.models import F

from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import News, record_all
from deployments.base.models import Space
from packages_feed.models import BuildInformation, PackageVersion
from packages_feed.queries import find_versions
from packages_feed.services.blobs import drop_after_commit
from packages_feed.services.latest import find_latest, hold_packages


def hold_versions(space: Space, pairs: Iterable[tuple[str, str]]) -> bool:
    """Hold the versions (pairs of package id and version) until the caller's transaction ends.

    Says whether all of them are there. Retention holds what it is about to delete in the same way
    and then looks whether it is used, so one of the two sees the other.
    """
    wanted = set(pairs)
    found = find_versions(space, wanted)
    numbers = {row.pk for row in found.values()}
    return len(found) == len(wanted) and hold_numbers(space, numbers) == len(numbers)


def hold_numbers(space: Space, numbers: Iterable[int]) -> int:
    """Hold the versions with these numbers likewise; return how many of them are there.

    One after the other by number: of two who want some of the same, one waits for the other.
    """
    rows = PackageVersion.objects.in_space(space)
    return sum(rows.filter(pk=number).update(listed=F("listed")) for number in sorted(numbers))


def expire_versions(
    *, actor: Actor, space: Space, reasons: Mapping[int, str], clock: Clock = utc_now
) -> None:
    """Delete the versions, each for its reason; joins the caller's transaction.

    Their bytes go after its commit, when no other version has the same.
    """
    rows = PackageVersion.objects.in_space(space).filter(pk__in=reasons)
    news, hashes = [], []
    ids = set()
    for row in rows.only("package_id", "id_lower", "version", "sha1", "size", "blob_id"):
        hashes.append(row.blob_id)
        ids.add(row.id_lower)
        news.append(
            News(
                space=space,
                category="Deleted",
                message=f"Package {row} was deleted by retention ({reasons[row.pk]})",
                subject=row.wire_id,
                related=[f"packages-{row.package_id}"],
                before={"Hash": row.sha1, "Size": row.size},
            )
        )
    record_all(actor=actor, news=news, clock=clock)
    hold_packages(space, ids)
    rows.only("pk").delete()
    find_latest(space, ids)
    for sha256 in dict.fromkeys(hashes):
        drop_after_commit(sha256)


def expire_builds(
    *, actor: Actor, space: Space, reasons: Mapping[int, str], clock: Clock = utc_now
) -> None:
    """Delete build information, each for its reason; joins the caller's transaction."""
    rows = BuildInformation.objects.in_space(space).filter(pk__in=reasons)
    news = [
        News(
            space=space,
            category="Deleted",
            message=f"Build information of {row} was deleted by retention ({reasons[row.pk]})",
            subject=row.public_id,
            related=[f"packages-{row.package_id}"],
        )
        for row in rows.only("package_id", "version")
    ]
    record_all(actor=actor, news=news, clock=clock)
    rows.only("pk").delete()
