"""Choosing package versions: the newest that fits, and what a caller's package texts mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.versions import Version
from deployments.projects.version_rules import VersionRule

_SEPARATORS = ":=/"
_MOST_PARTS = 3
_EXACT = 10


class InvalidPackageSpec(ValueError):
    """A package text does not have the form `[step:]package:version`."""


@dataclass(frozen=True, slots=True)
class PackageSpec:
    """A version for the packages that it names; an empty `step` and `*` mean any.

    An exact one names an action and a reference, the primary one by its empty name.
    """

    step: str
    package: str
    version: str
    is_exact: bool = False

    def rank(
        self, *, step_name: str, action_name: str, reference_name: str, package_id: str
    ) -> int:
        """Return how closely the spec names a package reference; 0 when it does not."""
        if self.is_exact:
            named = (self.step.lower(), self.package.lower())
            return _EXACT * (named == (action_name.lower(), reference_name.lower()))
        steps = {step_name.lower(), action_name.lower()}
        packages = {package_id.lower()} | ({reference_name.lower()} - {""})
        step, package = self.step.lower(), self.package.lower()
        if not step:
            # Two parts name a step or a package.
            return 2 if package in steps | packages else int(package == "*")
        if (step != "*" and step not in steps) or (package != "*" and package not in packages):
            return 0
        return 3 + (step != "*") + (package != "*")


def parse_spec(text: str) -> PackageSpec:
    """Read `[step:]package:version`; the separators are `:`, `=` and `/`, a backslash escapes.

    Raises InvalidPackageSpec.
    """
    parts = _split(text)
    if not 2 <= len(parts) <= _MOST_PARTS or not all(parts):  # noqa: PLR2004 package and version
        raise InvalidPackageSpec(
            f"The package '{text}' must have the form 'Step:Package:Version' or 'Package:Version'."
        )
    step = parts[0] if len(parts) == _MOST_PARTS else ""
    return PackageSpec(step, parts[-2], parts[-1])


def chosen_version(
    specs: Iterable[PackageSpec],
    *,
    step_name: str,
    action_name: str,
    reference_name: str,
    package_id: str,
) -> str | None:
    """Return the version that the closest spec gives, the last one of equals."""
    best, version = 0, None
    for spec in specs:
        rank = spec.rank(
            step_name=step_name,
            action_name=action_name,
            reference_name=reference_name,
            package_id=package_id,
        )
        if rank and rank >= best:
            best, version = rank, spec.version
    return version


def newest_fitting(
    versions: Iterable[Version], *, rule: VersionRule | None, prerelease: str = ""
) -> Version | None:
    """Return the highest version that may be chosen by itself.

    Without a rule that admits them prereleases are left out; `prerelease` asks for those whose
    labels begin so.
    """
    best: Version | None = None
    for version in versions:
        if best is not None and version <= best:
            continue
        if _fits(version, rule, prerelease):
            best = version
    return best


def _fits(version: Version, rule: VersionRule | None, prerelease: str) -> bool:
    if rule is not None and not rule.accepts(version):
        return False
    if prerelease:
        return version.prerelease.lower().startswith(prerelease.lower())
    if version.is_prerelease:
        return rule is not None and rule.admits_prerelease
    return True


def _split(text: str) -> Sequence[str]:
    parts, current, escaped = [], "", False
    for character in text:
        if escaped:
            current += character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character in _SEPARATORS:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part.strip() for part in (*parts, current)]
