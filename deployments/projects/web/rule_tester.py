"""Trying the version rules of a channel, saved or not, on versions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.versions import InvalidTagPattern, InvalidVersionRange, Version, try_read_any
from deployments.base.models import Space
from deployments.projects.version_rules import VersionRule, parse_range
from packages_feed.queries import versions_of
from packages_feed.queries.catalogue import told_versions

_NEWEST: Final = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says about a version; `why_not` is empty when it may be used."""

    version: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class RuleTest:
    """A rule tried on the newest versions of one package, or on one that was typed."""

    rule: int
    about: str
    verdicts: tuple[Verdict, ...] = ()
    error: str = ""


def try_rule(
    number: int, version_range: str, tag: str, about: str, versions: Iterable[Version | str]
) -> RuleTest:
    """Return the verdicts; `error` says what is wrong with the rule itself."""
    try:
        rule = VersionRule(parse_range(version_range) if version_range else None, tag, frozenset())
        verdicts = tuple(_verdict(rule, text) for text in versions)
    except (InvalidVersionRange, InvalidTagPattern) as error:
        return RuleTest(number, about, error=str(error))
    return RuleTest(number, about, verdicts)


def newest_versions_of(space: Space, package_ids: Sequence[str]) -> dict[str, list[Version]]:
    """Return the newest versions of packages: one query for each, and one for what the built-in
    feed lacks, which external feeds may have told."""
    found = {
        package_id: [
            Version.parse(text)
            for text in versions_of(space, package_id)
            .filter(listed=True)
            .values_list("version", flat=True)[:_NEWEST]
        ]
        for package_id in dict.fromkeys(package_ids)
        if package_id and "#{" not in package_id
    }
    lacking = {package_id.lower() for package_id, versions in found.items() if not versions}
    told = told_versions(space, lacking) if lacking else {}
    return {
        package_id: versions or told.get(package_id.lower(), [])[:_NEWEST]
        for package_id, versions in found.items()
    }


def _verdict(rule: VersionRule, given: Version | str) -> Verdict:
    version = try_read_any(given) if isinstance(given, str) else given
    if version is None:
        return Verdict(str(given), "not a version number")
    return Verdict(str(given), rule.why_not(version))
