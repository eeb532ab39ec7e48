"""Who uses packages of the built-in feed: releases, snapshots of runbooks, fixed versions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Lower

from agent.versions import try_read_any
from deployments.base.models import Space
from deployments.projects.models import DeploymentProcess
from deployments.projects.process import process_from_json
from deployments.releases.models import (
    Release,
    ReleaseSelectedPackage,
    RunbookSnapshot,
    RunbookSnapshotPackage,
)
from deployments.releases.retention.package_rule import may_become
from packages_feed.queries import built_in_feed, known_as

# The id of a package and the key of its version, both in lower case.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _User:
    """A release, or a snapshot of a runbook."""

    number: int
    is_release: bool


@dataclass
class PackageUse:
    """Tells what uses versions of packages; what is fixed or not yet known is read once."""

    space: Space
    _feeds: frozenset[str] = field(init=False)
    _fixed: dict[Key, str] = field(init=False, default_factory=dict)
    # By the key of a version: ids with expressions, and who has them.
    _open: dict[str, list[tuple[str, _User | str]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._feeds = known_as(built_in_feed(self.space))
        self._read_open_ids()
        self._read_fixed_versions()

    def users(self, keys: Iterable[Key]) -> dict[Key, str]:
        """Return what uses the versions, in words; what nothing uses is left out."""
        wanted = set(keys)
        found: dict[Key, _User] = {}
        ids = {package_id for package_id, _ in wanted}
        for rows, is_release in self._selections():
            named = rows.annotate(id_lower=Lower("package_id")).filter(id_lower__in=ids)
            for package_id, version, feed, number in _grouped(named, is_release=is_release):
                key = (package_id.lower(), _key(version))
                if key in wanted and self._is_ours(feed):
                    found.setdefault(key, _User(number, is_release))
        names = self._names(found.values())
        fixed = {key: self._fixed[key] for key in wanted & self._fixed.keys()}
        return {**fixed, **{key: names[user] for key, user in found.items() if user in names}}

    def possible_users(self, keys: Iterable[Key]) -> dict[Key, str]:
        """Return what may use the versions, once its package id is known, in words."""
        found: dict[Key, _User | str] = {}
        for key in keys:
            users = (user for text, user in self._open.get(key[1], ()) if may_become(text, key[0]))
            if (user := next(users, None)) is not None:
                found[key] = user
        names = self._names(user for user in found.values() if isinstance(user, _User))
        words = {
            key: names.get(user, "") if isinstance(user, _User) else user
            for key, user in found.items()
        }
        return {key: text for key, text in words.items() if text}

    def _selections(self) -> list[tuple[QuerySet[Any], bool]]:
        return [
            (ReleaseSelectedPackage.objects.filter(release__space=self.space), True),
            (RunbookSnapshotPackage.objects.filter(snapshot__space=self.space), False),
        ]

    def _is_ours(self, feed: str) -> bool:
        return feed.lower() in self._feeds or "#{" in feed

    def _read_open_ids(self) -> None:
        for rows, is_release in self._selections():
            unknown = rows.filter(Q(package_id__contains="#{"))
            for package_id, version, feed, number in _grouped(unknown, is_release=is_release):
                if self._is_ours(feed):
                    entry = (package_id, _User(number, is_release))
                    self._open.setdefault(_key(version), []).append(entry)

    def _read_fixed_versions(self) -> None:
        rows = DeploymentProcess.objects.in_space(self.space).select_related("project", "runbook")
        for row in rows.iterator(100):
            for _, action in process_from_json(row.steps).actions():
                for package in action.packages:
                    if not package.version or not self._is_ours(package.feed_id):
                        continue
                    key = _key(package.version)
                    if "#{" in package.package_id:
                        self._open.setdefault(key, []).append((package.package_id, _title(row)))
                    else:
                        self._fixed[package.package_id.lower(), key] = _title(row)

    def _names(self, users: Iterable[_User]) -> Mapping[_User, str]:
        """Return what people call them; two queries."""
        numbers: dict[bool, set[int]] = {True: set(), False: set()}
        for user in users:
            numbers[user.is_release].add(user.number)
        releases = Release.objects.in_space(self.space).filter(pk__in=numbers[True])
        snapshots = RunbookSnapshot.objects.in_space(self.space).filter(pk__in=numbers[False])
        names = {
            _User(number, True): f"release {version} of {project}"
            for number, version, project in releases.values_list("pk", "version", "project__name")
        }
        columns = ("pk", "name", "runbook__name", "project__name")
        for number, name, runbook, project in snapshots.values_list(*columns):
            names[_User(number, False)] = f"snapshot {name} of the runbook {runbook} of {project}"
        return names


def _grouped(rows: QuerySet[Any], *, is_release: bool) -> Iterator[tuple[str, str, str, int]]:
    """Yield package id, version and feed with the newest user of them."""
    owner = "release_id" if is_release else "snapshot_id"
    columns = rows.order_by().values_list("package_id", "version", "feed_id")
    yield from columns.annotate(newest=Max(owner)).iterator(2000)


def _title(row: DeploymentProcess) -> str:
    return f"the {row.title[:1].lower()}{row.title[1:]}"


def _key(version: str) -> str:
    parsed = try_read_any(version)
    return parsed.key if parsed else version.lower()
