"""Which packages of the built-in feed, and which build information, are kept and why; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from deployments.projects.retention import RetentionPolicy
from deployments.releases.retention.rule import Reason

# Build information of packages that the built-in feed does not know.
FOREIGN_BUILDS: Final = RetentionPolicy(100, "Days")


@dataclass(frozen=True, slots=True)
class PackageCandidate:
    """A version of a package, or what is known of its build; `since` is when it was published.

    `used_by` says what uses it; `maybe_used_by` what has a package id that is known only when it
    is deployed and may then mean this one.
    """

    number: int
    package_id: str
    version: str
    since: datetime
    used_by: str = ""
    maybe_used_by: str = ""

    @property
    def name(self) -> str:
        return f"{self.package_id} {self.version}"


@dataclass(frozen=True, slots=True)
class PackageVerdict:
    """What becomes of it; `words` say why."""

    candidate: PackageCandidate
    is_kept: bool
    reason: Reason
    words: str


def judge_package(
    package: PackageCandidate, policy: RetentionPolicy, now: datetime
) -> PackageVerdict:
    """Return what becomes of a version that the feed has."""
    if package.used_by:
        return PackageVerdict(package, True, Reason.USED, f"{package.used_by} uses it")
    if policy.keeps_everything:
        return PackageVerdict(package, True, Reason.FOREVER, "everything is kept")
    age = now - package.since
    said = f"{age.days} days old, {policy.words} are kept"
    if age < timedelta(days=policy.quantity):
        return PackageVerdict(package, True, Reason.WITHIN_DAYS, said)
    if package.maybe_used_by:
        words = f"{package.maybe_used_by} may use it: the package id is known when it is deployed"
        return PackageVerdict(package, True, Reason.MAYBE_USED, words)
    return PackageVerdict(package, False, Reason.TOO_OLD, f"{said}, and nothing uses it")


def judge_build(
    build: PackageCandidate,
    policy: RetentionPolicy,
    now: datetime,
    *,
    has_package: bool,
    is_of_feed: bool,
) -> PackageVerdict:
    """Return what becomes of build information: it stays as long as its package.

    `is_of_feed` tells whether the built-in feed has any version of the package.
    """
    if has_package:
        return PackageVerdict(build, True, Reason.HELD, "the feed has its package")
    return judge_package(build, policy if is_of_feed else FOREIGN_BUILDS, now)


def may_become(template: str, package_id: str) -> bool:
    """Tell whether a package id with expressions in it may turn out as this one.

    Only what stands before the first expression and after the last one is certain.
    """
    start, end = template.lower().partition("#")[0], template.lower().rpartition("}")[2]
    text = package_id.lower()
    is_long_enough = len(text) >= len(start) + len(end)
    return is_long_enough and text.startswith(start) and text.endswith(end)
