"""Verifying, moving and reading anew what the storage has."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count, Sum

from deployments.access.spaces import default_space, space_by_id
from deployments.base.actor import Actor
from deployments.base.errors import NotFound
from deployments.base.models import Space
from octopus_site.packages.progress import Progress
from octopus_site.packages.verification import Run
from packages_feed.models import StoredBlob
from packages_feed.services import find_all_latest
from packages_feed.services.blobs import take_away_damaged, take_away_orphan
from packages_feed.services.upkeep import (
    Checked,
    Copied,
    Problem,
    adopt_packages,
    check_files,
    copy_missing,
    count_versions,
    reread_versions,
)
from packages_feed.storage import PackageStorage, StorageFailed, named_storage, package_storage

Command = Callable[[argparse.Namespace], int]

NOT_FINISHED: Final = 3
_MOST_PASSES: Final = 20


def told(command: Command) -> Command:
    """Say in one line why a command could not go on; it may be started again."""

    @wraps(command)
    def run(arguments: argparse.Namespace) -> int:
        try:
            return command(arguments)
        except StorageFailed as error:
            print(f"Not finished: {error} Start it again when that is mended.", file=sys.stderr)
            return NOT_FINISHED

    return run


def verify(arguments: argparse.Namespace) -> int:
    """Read every file; 0 when all is well, 1 for problems, 3 when it was broken off."""
    run = Run.begun(shown_place(settings.OCTOPUS.storage_url), anew=arguments.anew)
    if run.after:
        print(f"Going on with the run of {run.started} after {run.checked:,} files.")
    files, size = _totals()
    try:
        with Progress(files, size, done=run.checked) as progress:
            for checked in check_files(package_storage(), after=run.after):
                _dispose(arguments, run, checked)
                run.count(checked)
                progress.step(checked.size)
    except (StorageFailed, KeyboardInterrupt) as error:
        run.save()
        reason = str(error) or "it was interrupted"
        print(f"Not finished: {reason}. The next run goes on from here.", file=sys.stderr)
        return NOT_FINISHED
    run.finish()
    print(f"{run.checked:,} files were read, {run.size / 1024**3:,.2f} GiB.")
    for kind, count in sorted(run.problems.items()):
        print(f"{count:,} {kind}")
    return 1 if run.problems else 0


def _dispose(arguments: argparse.Namespace, run: Run, checked: Checked) -> None:
    """Say what is wrong with a file, and take it away where that was asked for."""
    if checked.problem is None:
        return
    done = ""
    if checked.problem is Problem.ORPHANED and arguments.remove_orphans:
        done = ": removed" if take_away_orphan(checked.sha256, checked.size) else ": in use by now"
    elif checked.problem is Problem.DAMAGED and arguments.remove_damaged:
        take_away_damaged(checked.sha256)
        done = ": removed; push the package again"
    users = f" ({'; '.join(checked.users)})" if checked.users else ""
    print(f"{checked.problem:<11}{checked.sha256}{users}{done}", flush=True)


@told
def move(arguments: argparse.Namespace) -> int:
    """Copy all files to another storage; 0 when it has everything, 1 when some are lost."""
    target = _target(arguments.to)
    failed: dict[str, Copied] = {}
    copied = 0
    for _ in range(_MOST_PASSES):
        outcomes, failed = _pass(target)
        copied += outcomes[Copied.COPIED]
        if not outcomes[Copied.COPIED]:
            break
    for sha256, outcome in failed.items():
        print(f"{outcome:<11}{sha256}")
    print(f"{copied:,} files were copied to {shown_place(arguments.to)}.")
    if failed:
        print(f"{len(failed):,} could not be: see `octopus-server packages verify`.")
    octopus = settings.OCTOPUS
    if octopus.storage_url == arguments.to:
        print("The server works there. OCTOPUS_STORAGE_OTHER_URL is no longer needed.")
    else:
        print(
            "Now set OCTOPUS_STORAGE_URL to the new address and OCTOPUS_STORAGE_OTHER_URL to the"
            " old one, restart the server, and run this once more."
        )
    return 1 if failed else 0


def _pass(target: PackageStorage) -> tuple[Counter[Copied], dict[str, Copied]]:
    outcomes: Counter[Copied] = Counter()
    failed: dict[str, Copied] = {}
    files, size = _totals()
    with Progress(files, size) as progress:
        for transfer in copy_missing(package_storage(), target):
            outcomes[transfer.outcome] += 1
            if transfer.outcome in {Copied.MISSING, Copied.DAMAGED}:
                failed[transfer.sha256] = transfer.outcome
            progress.step(transfer.size if transfer.outcome is Copied.COPIED else 0)
    return outcomes, failed


def _target(url: str) -> PackageStorage:
    octopus = settings.OCTOPUS
    if octopus.storage_url == url and not octopus.storage_other_url:
        raise ImproperlyConfigured("The files are in this storage already.")
    return named_storage(url)


@told
def reindex(arguments: argparse.Namespace) -> int:
    """Correct rows by what the files say; 1 when a file could not be read or says another name."""
    actor = Actor.system("octopus-server packages reindex")
    space = _space(arguments.adopt) if arguments.adopt else None
    count = changed = problems = 0
    with Progress(count_versions(), 0) as progress:
        for each in reread_versions(actor=actor):
            count += 1
            changed += bool(each.changed)
            if each.problem:
                problems += 1
                print(f"{each.version} in {each.version.space}: {each.problem}", flush=True)
            progress.step(each.version.size)
    find_all_latest()
    print(f"{count:,} versions were read, {changed:,} corrected, {problems:,} with problems.")
    if space is not None:
        adopted = 0
        for row in adopt_packages(actor=actor, space=space, storage=package_storage()):
            adopted += 1
            print(f"added {row} to {space}", flush=True)
        print(f"{adopted:,} packages that no space had were added to {space}.")
    return 1 if problems else 0


def _space(text: str) -> Space:
    space = default_space() if text == "default" else space_by_id(text)
    if space is None:
        raise NotFound(f"There is no space {text}; give its id, such as Spaces-1, or `default`.")
    return space


def _totals() -> tuple[int, int]:
    sums = StoredBlob.objects.aggregate(files=Count("pk"), size=Sum("size"))
    return sums["files"], sums["size"] or 0


def shown_place(url: str) -> str:
    """Return the address of a storage without its options."""
    return url.partition("?")[0]
