"""The packages of a task's actions: chosen versions, and where their bytes are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from agent.language import VariableSet, evaluate
from deployments.base.clock import Clock
from deployments.base.models import Space
from deployments.execution.manifest import PackageFile
from deployments.projects.process import Process
from deployments.releases.models import Run
from packages_feed.models import Feed, FetchedPackage, PackageVersion
from packages_feed.queries import find_feed, find_versions
from packages_feed.queries.feeds import BUILT_IN_ID
from packages_feed.services.fetching import want_package
from packages_feed.sources.kinds import KINDS

PackagesByAction = dict[str, tuple[tuple[PackageFile, ...], str]]


class PackagesComing(Exception):
    """Packages of external feeds are being fetched; the plan is made when they are here.

    `begun` are those whose fetching begins now.
    """

    def __init__(self, begun: list[str]) -> None:
        super().__init__(", ".join(begun))
        self.begun = begun


@dataclass(frozen=True, slots=True)
class _Wanted:
    file: PackageFile
    location: str
    feed: Feed | None

    @property
    def is_built_in(self) -> bool:
        return self.file.feed_id.lower() in {"", BUILT_IN_ID} or bool(
            self.feed and self.feed.is_built_in
        )


def package_files(
    deployment: Run, process: Process, values: VariableSet, *, since: datetime, clock: Clock
) -> PackagesByAction:
    """Return the packages of each action that has some, with what is missing of them.

    Raises PackagesComing while packages of external feeds are not here; what could not be fetched
    since the task began is missing.
    """
    wanted = _wanted(deployment, process, values)
    pairs = [
        (each.file.package_id, each.file.version)
        for several in wanted.values()
        for each in several
        if each.is_built_in
    ]
    stored = find_versions(deployment.space, pairs) if pairs else {}
    anew = bool(deployment.options.get("force_package_download"))
    answers = {
        each.file: want_package(
            each.feed, each.file.package_id, each.file.version, since=since, anew=anew, clock=clock
        )
        for several in wanted.values()
        for each in several
        if each.feed is not None and not each.is_built_in and _is_fetched(each)
    }
    if any(not row.blob_id and row.given_up is None for row, _ in answers.values()):
        begun = [str(row) for row, is_begun in answers.values() if is_begun]
        raise PackagesComing(list(dict.fromkeys(begun)))
    fetched = {file: row for file, (row, _) in answers.items()}
    return {action_id: _found(several, stored, fetched) for action_id, several in wanted.items()}


def _wanted(deployment: Run, process: Process, values: VariableSet) -> dict[str, list[_Wanted]]:
    if not any(action.packages for _, action in process.actions()):
        return {}
    selected = {
        (row.action_name.lower(), row.reference_name.lower()): row
        for row in deployment.frozen.selected_packages.all()
    }
    feeds: dict[str, Feed | None] = {"": None, BUILT_IN_ID: None}
    wanted: dict[str, list[_Wanted]] = {}
    for _, action in process.actions():
        for reference in action.packages:
            if not reference.is_complete:
                continue
            chosen = selected.get((action.name.lower(), reference.name.lower()))
            version = chosen.version if chosen else reference.version
            package_id = chosen.package_id if chosen else reference.package_id
            file = PackageFile(
                name=reference.name,
                package_id=evaluate(package_id, values).text,
                version=evaluate(version, values).text,
                feed_id=evaluate(chosen.feed_id if chosen else reference.feed_id, values).text,
                extract=reference.properties.get("Extract", "True").lower() != "false",
            )
            feed = _feed(deployment.space, file.feed_id, feeds)
            wanted.setdefault(action.id, []).append(
                _Wanted(file, reference.acquisition_location, feed)
            )
    return wanted


def _feed(space: Space, feed_id: str, known: dict[str, Feed | None]) -> Feed | None:
    if feed_id.lower() not in known:
        known[feed_id.lower()] = find_feed(space, feed_id)
    return known[feed_id.lower()]


def _is_fetched(wanted: _Wanted) -> bool:
    kind = KINDS.get(wanted.feed.feed_type) if wanted.feed is not None else None
    return wanted.location != "NotAcquired" and kind is not None and kind.is_fetched


def _found(
    wanted: list[_Wanted],
    stored: Mapping[tuple[str, str], PackageVersion],
    fetched: Mapping[PackageFile, FetchedPackage],
) -> tuple[tuple[PackageFile, ...], str]:
    result, error = [], ""
    for each in wanted:
        file, own = each.file, fetched.get(each.file)
        row = stored.get((file.package_id, file.version)) if each.is_built_in else own
        if each.location == "NotAcquired" or (each.feed and own is None and not each.is_built_in):
            result.append(file)
        elif row is None or row.blob_id is None:
            error = error or _missing(each, own)
        else:
            result.append(replace(file, extension=row.extension, sha256=row.blob_id, size=row.size))
    return tuple(result), error


def _missing(wanted: _Wanted, fetched: FetchedPackage | None) -> str:
    name = f"{wanted.file.package_id} {wanted.file.version}"
    if fetched is not None and wanted.feed is not None:
        return (
            f"The package {name} could not be fetched from the feed '{wanted.feed.name}':"
            f" {fetched.problem}"
        )
    if wanted.is_built_in:
        return f"The package {name} is not in the built-in feed."
    return f"The feed {wanted.file.feed_id} of the package {name} does not exist."
