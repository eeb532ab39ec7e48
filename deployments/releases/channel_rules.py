"""Judging package versions by a channel's rules: the one place, for every way to a release."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.versions import Scheme, try_read_version
from deployments.projects.version_rules import VersionRule


@dataclass(frozen=True, slots=True)
class PackageChoice:
    """The version chosen for one package reference of one action."""

    action_name: str
    reference_name: str
    package_id: str
    version: str
    scheme: Scheme = Scheme.SEMVER


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A choice that a rule does not accept."""

    choice: PackageChoice
    rule: VersionRule

    def sentence(self, channel_name: str) -> str:
        """Say it to a person."""
        parts = []
        if self.rule.version_range is not None:
            parts.append(f"the version range '{self.rule.version_range}'")
        if self.rule.tag:
            parts.append(f"the pre-release tag '{self.rule.tag}'")
        return (
            f"Version {self.choice.version} of the package '{self.choice.package_id}' for the step"
            f" '{self.choice.action_name}' does not satisfy {' and '.join(parts)} of the channel"
            f" '{channel_name}'."
        )


def rule_for(
    rules: Sequence[VersionRule], action_name: str, reference_name: str
) -> VersionRule | None:
    """Return the rule that binds a package reference, the first of several."""
    return next((rule for rule in rules if rule.is_about(action_name, reference_name)), None)


def broken_rules(
    rules: Sequence[VersionRule], choices: Iterable[PackageChoice]
) -> tuple[BrokenRule, ...]:
    """Return the choices that their rules do not accept; a text that is no version never is."""
    broken = []
    for choice in choices:
        rule = rule_for(rules, choice.action_name, choice.reference_name)
        if rule is None:
            continue
        version = try_read_version(choice.version, choice.scheme)
        if version is None or not rule.accepts(version):
            broken.append(BrokenRule(choice, rule))
    return tuple(broken)
