"""Choosing the version of every package that a release needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.language import LanguageError, evaluate
from agent.versions import Scheme, try_read_version
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.projects.models import Channel, Project
from deployments.projects.process import Action, PackageReference, Process, Step
from deployments.projects.process.shape import PROJECT_FEED_ID
from deployments.projects.version_rules import VersionRule, rules_from_json
from deployments.releases.channel_rules import PackageChoice, broken_rules, rule_for
from deployments.releases.queries import find_release
from deployments.releases.selection import PackageSpec, chosen_version, newest_fitting
from deployments.releases.services.child_releases import newest_release, projects_named
from packages_feed.models import Feed
from packages_feed.queries.catalogue import catalogue
from packages_feed.queries.feeds import find_feed
from packages_feed.queries.versions import find_version
from packages_feed.services.asking import refresh
from packages_feed.services.retention import hold_versions


@dataclass(frozen=True, slots=True)
class NeededPackage:
    """A package reference of an action that applies to the channel.

    `package_id` is evaluated as far as the release's variables reach; `is_resolvable` says whether
    nothing is left to evaluate. `project` is there when the "package" is a release of it.
    """

    step: Step
    action: Action
    reference: PackageReference
    package_id: str
    feed: Feed | None
    is_resolvable: bool
    project: Project | None = None

    @property
    def label(self) -> str:
        """Return what people call it."""
        return f"Release of {self.project.name}" if self.project else self.package_id

    def choice(self, version: str) -> PackageChoice:
        """Return that version as what rules judge."""
        names = (self.action.name, self.reference.name, self.package_id)
        return PackageChoice(*names, version, self.version_scheme)

    @property
    def is_searchable(self) -> bool:
        """Whether the versions to choose from can be listed."""
        if self.project is not None:
            return True
        return self.is_resolvable and self.feed is not None

    @property
    def version_scheme(self) -> Scheme:
        """Return by which rules its versions are read."""
        return self.feed.version_scheme if self.feed is not None else Scheme.SEMVER

    @property
    def feed_id(self) -> str:
        return self.feed.public_id if self.feed is not None else self.reference.feed_id


@dataclass(frozen=True, slots=True)
class SelectedPackage:
    """A chosen version."""

    need: NeededPackage
    version: str

    @property
    def choice(self) -> PackageChoice:
        return self.need.choice(self.version)

    @property
    def columns(self) -> dict[str, str]:
        """Return the columns of a row that keeps the choice."""
        return {
            "action_name": self.need.action.name,
            "step_name": self.need.step.name,
            "reference_name": self.need.reference.name,
            "package_id": self.need.package_id,
            "feed_id": self.need.feed_id,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class PackageWishes:
    """What the caller said about versions: specs, then one for all, else the newest that fits."""

    specs: Sequence[PackageSpec] = ()
    version: str = ""
    prerelease: str = ""


def needed_packages(
    space: Space, process: Process, channel: Channel | None, variables: Mapping[str, str | None]
) -> list[NeededPackage]:
    """Return the packages that a release in the channel, or a snapshot of a runbook,
    selects; in the order of the process."""
    feeds: dict[str, Feed | None] = {}
    references = [ref for _, action in process.actions() for ref in action.packages]
    projects = projects_named(space, [(ref.feed_id, ref.package_id) for ref in references])
    needed = []
    for step, action in process.actions():
        if not action.applies_to(environment=None, channel=channel.public_id if channel else ""):
            continue
        for reference in action.packages:
            if not reference.is_complete:
                continue
            package_id, known_id = _evaluated(reference.package_id, variables)
            feed_id, known_feed = _evaluated(reference.feed_id, variables)
            if feed_id not in feeds:
                feeds[feed_id] = find_feed(space, feed_id) if known_feed else None
            needed.append(
                NeededPackage(
                    step=step,
                    action=action,
                    reference=reference,
                    package_id=package_id,
                    feed=feeds[feed_id],
                    is_resolvable=known_id and known_feed,
                    project=projects.get(reference.package_id)
                    if reference.feed_id.lower() == PROJECT_FEED_ID
                    else None,
                )
            )
    return needed


def refresh_feeds(needed: Iterable[NeededPackage], *, clock: Clock = utc_now) -> None:
    """Ask the external feeds for the versions to choose from; not to be called in transactions."""
    refresh(
        [(need.feed, need.package_id) for need in needed if need.is_resolvable and need.feed],
        clock=clock,
    )


def select_packages(
    space: Space, needed: Sequence[NeededPackage], channel: Channel | None, wishes: PackageWishes
) -> list[SelectedPackage]:
    """Choose a version for each; raises Invalid with a sentence for each that cannot be."""
    rules = rules_from_json(channel.rules) if channel else ()
    errors: list[str] = []
    selected = []
    for need in needed:
        wish = wished_version(need, wishes)
        try:
            version = _given(space, need, wish) if wish else _newest(need, rules, wishes)
        except Invalid as error:
            errors += error.errors
        else:
            selected.append(SelectedPackage(need, version))
    if errors:
        raise Invalid(*errors)
    return selected


class VersionGone(Invalid):
    """A chosen version was deleted before it came into use: choose again."""


def hold_selection(space: Space, selected: Iterable[SelectedPackage]) -> None:
    """Keep the chosen versions of the built-in feed from deletion until the transaction ends.

    Raises VersionGone when one is no more.
    """
    pairs = [
        (each.need.package_id, each.version)
        for each in selected
        if each.need.is_resolvable and each.need.feed and each.need.feed.is_built_in
    ]
    if pairs and not hold_versions(space, pairs):
        raise VersionGone("A package that was chosen was deleted at this moment. Try again.")


def require_rules(channel: Channel, selected: Sequence[SelectedPackage]) -> None:
    """Raise Invalid when a chosen version breaks a rule of the channel."""
    rules = rules_from_json(channel.rules)
    broken = broken_rules(rules, [package.choice for package in selected])
    if broken:
        raise Invalid(*(rule.sentence(channel.name) for rule in broken))


def wished_version(need: NeededPackage, wishes: PackageWishes) -> str:
    """Return the version that was asked for or that the step fixes; empty for the newest."""
    version = chosen_version(
        wishes.specs,
        step_name=need.step.name,
        action_name=need.action.name,
        reference_name=need.reference.name,
        package_id=need.package_id,
    )
    if need.project is not None:
        return version or ""
    fixed = need.reference.version if "#{" not in need.reference.version else ""
    return version or fixed or wishes.version


def _given(space: Space, need: NeededPackage, version: str) -> str:
    if need.project is not None:
        release = find_release(need.project, version)
        if release is None:
            raise Invalid(
                f"The project '{need.project.name}', of which the step '{need.action.name}' deploys"
                f" a release, has no release '{version}'."
            )
        return release.version
    if try_read_version(version, need.version_scheme) is None:
        raise Invalid(
            f"'{version}' is not a version of the package '{need.package_id}' for the step"
            f" '{need.action.name}'."
        )
    if not need.is_resolvable or need.feed is None or not need.feed.is_built_in:
        return version
    row = find_version(space, need.package_id, version)
    if row is None:
        raise Invalid(
            f"Version {version} of the package '{need.package_id}' for the step"
            f" '{need.action.name}' was not found in the feed '{need.feed.name}'."
        )
    return row.version


def _newest(need: NeededPackage, rules: Sequence[VersionRule], wishes: PackageWishes) -> str:
    rule = rule_for(rules, need.action.name, need.reference.name)
    if need.project is not None:
        release = newest_release(need.project, rule=rule)
        if release is None:
            raise Invalid(
                f"The project '{need.project.name}', of which the step '{need.action.name}' deploys"
                " a release, has no release that the channel admits. Create one first."
            )
        return release.version
    if not need.is_resolvable:
        raise Invalid(
            f"The package '{need.package_id}' for the step '{need.action.name}' depends on"
            " variables that are known only when it is deployed. Give its version."
        )
    if need.feed is None:
        raise Invalid(
            f"The feed of the package '{need.package_id}' for the step '{need.action.name}' does"
            " not exist. Choose another one in the step, or give the version of the package."
        )
    known = catalogue(need.feed, need.package_id)
    best = newest_fitting(known.versions, rule=rule, prerelease=wishes.prerelease)
    if best is None and known.problem:
        raise Invalid(
            f"The versions of the package '{need.package_id}' for the step '{need.action.name}' are"
            f" not known, because the feed '{need.feed.name}' could not be read: {known.problem}"
            " Give the version of the package."
        )
    if best is None:
        limit = f" with the pre-release tag '{wishes.prerelease}'" if wishes.prerelease else ""
        raise Invalid(
            f"No version of the package '{need.package_id}'{limit} for the step"
            f" '{need.action.name}' was found in the feed '{need.feed.name}' that the channel"
            " admits. Push the package or give its version."
        )
    return best.original


def _evaluated(text: str, variables: Mapping[str, str | None]) -> tuple[str, bool]:
    if "#{" not in text:
        return text, True
    try:
        result = evaluate(text, variables)
    except LanguageError:
        return text, False
    return result.text, not result.errors and "#{" not in result.text
