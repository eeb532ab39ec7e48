"""The part of a pass of retention that goes through packages and build information of a space."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from django.db import transaction
from django.db.models import F

from deployments.execution.logs.append import write_lines
from deployments.execution.services.retention.part import PartOfPass
from deployments.releases.retention.package_facts import judged_builds, judged_packages
from deployments.releases.retention.package_rule import PackageVerdict
from deployments.releases.retention.package_use import PackageUse
from packages_feed.models import BuildInformation, PackageVersion
from packages_feed.services.retention import expire_builds, expire_versions, hold_numbers

# One transaction for so many.
AT_ONCE: Final = 50
_LINES_AT_ONCE: Final = 200

# How many were kept and deleted, and the number of the last one.
Step = tuple[int, int, int]
_Delete = Callable[[PartOfPass, PackageUse, Mapping[int, str]], set[int]]


def pass_packages(work: PartOfPass, after: int) -> Iterator[Step]:
    """Delete, or in a dry run name, the versions after the number that nothing keeps."""
    if work.policy.keeps_everything:
        return
    rows = PackageVersion.objects.in_space(work.task.space).filter(pk__gt=after)
    use = PackageUse(work.task.space)
    verdicts = judged_packages(rows, use, work.policy, work.clock())
    yield from _pass(work, use, "Packages:", verdicts, _delete_versions)


def pass_builds(work: PartOfPass, after: int) -> Iterator[Step]:
    """Delete, or in a dry run name, the build information after the number that nothing keeps."""
    rows = BuildInformation.objects.in_space(work.task.space).filter(pk__gt=after)
    if not rows.exists():
        return
    use = PackageUse(work.task.space)
    verdicts = judged_builds(rows, use, work.policy, work.clock())
    yield from _pass(work, use, "Build information:", verdicts, _delete_builds)


def _pass(
    work: PartOfPass,
    use: PackageUse,
    title: str,
    verdicts: Iterator[PackageVerdict],
    delete: _Delete,
) -> Iterator[Step]:
    size = _LINES_AT_ONCE if work.is_dry else AT_ONCE
    while part := list(islice(verdicts, size)):
        work.go_on()
        wanted = {each.candidate.number: each.words for each in part if not each.is_kept}
        gone = set(wanted) if work.is_dry or not wanted else delete(work, use, wanted)
        _write(work, title, part, gone)
        yield len(part) - len(gone), len(gone), part[-1].candidate.number


def _write(
    work: PartOfPass, title: str, part: Sequence[PackageVerdict], gone: Iterable[int]
) -> None:
    """Write what is to be read: all of a dry run, else what was deleted."""
    done = "would be deleted" if work.is_dry else "deleted"
    lines = []
    for each in part:
        name = each.candidate.name
        if each.candidate.number in gone:
            lines.append(("info", f"  {name} {done}: {each.words}"))
        elif not each.is_kept:
            lines.append(("info", f"  {name} kept: it came into use meanwhile"))
        elif work.is_dry:
            lines.append(("verbose", f"  {name} kept: {each.words}"))
    if lines:
        write_lines(work.task, None, [("info", title), *lines])


def _delete_versions(work: PartOfPass, use: PackageUse, wanted: Mapping[int, str]) -> set[int]:
    """Delete the versions that are unused still; the rows are held while that is looked up."""
    space = work.task.space
    rows = PackageVersion.objects.in_space(space).filter(pk__in=wanted)
    with transaction.atomic():
        hold_numbers(space, wanted)
        verdicts = judged_packages(rows, use, work.policy, work.clock())
        going = _going(verdicts, wanted)
        expire_versions(actor=work.actor, space=space, reasons=going, clock=work.clock)
    return set(going)


def _delete_builds(work: PartOfPass, use: PackageUse, wanted: Mapping[int, str]) -> set[int]:
    space = work.task.space
    rows = BuildInformation.objects.in_space(space).filter(pk__in=wanted)
    with transaction.atomic():
        rows.update(version=F("version"))
        verdicts = judged_builds(rows, use, work.policy, work.clock())
        going = _going(verdicts, wanted)
        expire_builds(actor=work.actor, space=space, reasons=going, clock=work.clock)
    return set(going)


def _going(verdicts: Iterable[PackageVerdict], wanted: Mapping[int, str]) -> dict[int, str]:
    numbers = [each.candidate.number for each in verdicts if not each.is_kept]
    return {number: wanted[number] for number in numbers}
