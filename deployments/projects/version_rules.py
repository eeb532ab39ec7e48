"""The version rules of a channel as pure data."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from agent.versions import (
    InvalidVersionRange,
    Scheme,
    Version,
    VersionRange,
    matches_rule,
    matches_tag,
    read_range,
    tag_text,
)

# What people mean by a version that is no semantic one: `19.0.0.Final`, `3.12_slim`.
_NUMBERED = re.compile(r"[vV]?[0-9][0-9A-Za-z._+-]*")


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
    """Read a range in NuGet's or Maven's notation; bounds may be tags or versions of Maven too.

    Raises InvalidVersionRange.
    """
    try:
        return read_range(text)
    except InvalidVersionRange:
        for scheme in (Scheme.DOCKER, Scheme.MAVEN):
            with suppress(InvalidVersionRange):
                found = read_range(text, scheme)
                if all(_NUMBERED.fullmatch(bound.original) for bound in found.bounds):
                    return found
        raise


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
