"""The version rules of a channel as pure data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.versions import (
    InvalidVersionRange,
    Version,
    VersionRange,
    matches_rule,
    matches_tag,
    tag_text,
)


@dataclass(frozen=True, slots=True)
class VersionRule:
    """A rule about the packages of some actions: pairs of action name and reference name.

    An absent range and an empty tag accept every version.
    """

    version_range: VersionRange | None
    tag: str
    packages: frozenset[tuple[str, str]]

    @property
    def admits_prerelease(self) -> bool:
        """Whether the rule is meant to choose prereleases: by its tag or by a bound."""
        in_range = self.version_range is not None and self.version_range.admits_prerelease
        return bool(self.tag) or in_range

    def is_about(self, action_name: str, reference_name: str) -> bool:
        """Whether the rule binds this package; names ignore case."""
        return (action_name.lower(), reference_name.lower()) in self.packages

    def accepts(self, version: Version) -> bool:
        """Whether the version may be used."""
        return matches_rule(version, self.version_range, self.tag)

    def why_not(self, version: Version) -> str:
        """Return why the version may not be used; empty when it may."""
        parts = []
        if self.version_range is not None and not self.version_range.contains(version):
            parts.append(f"outside the range {self.version_range}")
        if self.tag and not matches_tag(version, self.tag):
            text = tag_text(version)
            words = f"tag {text} does not match" if text else "has no tag to match"
            parts.append(f"{words} {self.tag}")
        return " and ".join(parts)


def parse_range(text: str) -> VersionRange:
    """Read a range in NuGet's or Maven's notation. Raises InvalidVersionRange."""
    try:
        return VersionRange.parse(text)
    except InvalidVersionRange:
        if not text.strip().startswith(("[", "(")):
            raise
        return VersionRange.parse_maven(text)


def rules_from_json(rules: Iterable[Mapping[str, Any]]) -> tuple[VersionRule, ...]:
    """Read the stored rules of a channel."""
    return tuple(
        VersionRule(
            version_range=parse_range(rule["VersionRange"]) if rule.get("VersionRange") else None,
            tag=rule.get("Tag") or "",
            packages=frozenset(
                (entry["DeploymentAction"].lower(), entry["PackageReference"].lower())
                for entry in rule.get("ActionPackages") or ()
            ),
        )
        for rule in rules
    )
