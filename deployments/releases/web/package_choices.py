"""The versions of a package that a new release may have, and why the others are refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.versions import Version
from deployments.projects.models import Channel, Project
from deployments.projects.version_rules import VersionRule, rules_from_json
from deployments.releases.channel_rules import rule_for
from deployments.releases.models import ReleaseSelectedPackage
from deployments.releases.queries import releases_of
from deployments.releases.selection import newest_fitting
from deployments.releases.services.child_releases import newest_release
from deployments.releases.services.packages import NeededPackage
from packages_feed.queries.catalogue import catalogue

_MOST_VERSIONS: Final = 30


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """A version of a package; `why_not` is set when the channel refuses it.

    `others` are the channels that would take it.
    """

    version: str
    note: str = ""
    why_not: str = ""
    others: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Say all of it in one line."""
        if not self.why_not:
            return self.note
        fits = f"; fits {', '.join(self.others)}" if self.others else ""
        return f"{self.why_not}{fits}"


@dataclass(frozen=True, slots=True)
class PackageChoices:
    """A package of the release with the versions to choose from; none: it is typed.

    `hidden` says how many older versions are not listed, `problem` why the feed is not known well.
    """

    need: NeededPackage
    field: str
    choices: tuple[VersionChoice, ...]
    chosen: str
    hidden: int = 0
    problem: str = ""

    @property
    def refused(self) -> int:
        return sum(1 for choice in self.choices if choice.why_not)

    @property
    def has_fitting(self) -> bool:
        return any(not choice.why_not for choice in self.choices)

    @property
    def is_typed(self) -> bool:
        """Whether no versions of the package are known."""
        return not self.need.is_searchable or (bool(self.problem) and not self.choices)


@dataclass(frozen=True, slots=True)
class ChoiceContext:
    """What the choices of all packages share: the rules of the channel and of the others.

    `last` has the versions of the project's last release by action and reference.
    """

    rules: Sequence[VersionRule]
    others: Mapping[str, Sequence[VersionRule]]
    last: Mapping[tuple[str, str], str]


def choice_context(
    project: Project, channel: Channel, channels: Sequence[Channel]
) -> ChoiceContext:
    """Return the context; one query for the last release and one for its packages."""
    newest = releases_of(project).order_by("-pk").values("pk")[:1]
    rows = ReleaseSelectedPackage.objects.filter(release__in=newest)
    return ChoiceContext(
        rules=rules_from_json(channel.rules),
        others={
            each.name: rules_from_json(each.rules) for each in channels if each.pk != channel.pk
        },
        last={(row.action_name, row.reference_name): row.version for row in rows},
    )


def package_choices(
    project: Project, need: NeededPackage, field: str, context: ChoiceContext, sent: str
) -> PackageChoices:
    """Return the newest versions with a verdict each; the best and the last used are always there.

    `sent` is what a form said before.
    """
    rule = rule_for(context.rules, need.action.name, need.reference.name)
    versions, best, best_words, problem = _versions(need, rule)
    last = context.last.get((need.action.name, need.reference.name), "")
    shown = [
        version
        for number, version in enumerate(versions)
        if number < _MOST_VERSIONS or version == best or version.original in {last, sent}
    ]
    choices = []
    for version in shown:
        notes = [best_words] if version == best else []
        notes += ["last used"] if version.original == last else []
        choices.append(_choice(version, need, rule, notes, context))
    fixed = need.reference.version if "#{" not in need.reference.version else ""
    chosen = sent or ("" if need.project else fixed) or (best.original if best else "")
    return PackageChoices(need, field, tuple(choices), chosen, len(versions) - len(shown), problem)


def _versions(
    need: NeededPackage, rule: VersionRule | None
) -> tuple[Sequence[Version], Version | None, str, str]:
    """Return all versions, newest first, the one that is proposed with a word about it, and
    what is wrong with the feed."""
    if need.project is not None:
        texts = releases_of(need.project).order_by("-pk").values_list("version", flat=True)
        newest = newest_release(need.project, rule=rule)
        best = Version.parse(newest.version) if newest else None
        return [Version.parse(text) for text in texts], best, "made last", ""
    if not need.is_resolvable or need.feed is None:
        return [], None, "", ""
    known = catalogue(need.feed, need.package_id)
    best = newest_fitting(known.versions, rule=rule)
    return known.versions, best, "newest that fits", known.problem


def _choice(
    version: Version,
    need: NeededPackage,
    rule: VersionRule | None,
    notes: list[str],
    context: ChoiceContext,
) -> VersionChoice:
    why_not = rule.why_not(version) if rule is not None else ""
    if not why_not:
        if not notes and version.is_prerelease and rule is None:
            notes = ["pre-release, never chosen by itself"]
        return VersionChoice(version.original, note=", ".join(notes))
    others = tuple(
        name
        for name, rules in context.others.items()
        if (own := rule_for(rules, need.action.name, need.reference.name)) is not None
        and own.accepts(version)
    )
    return VersionChoice(version.original, why_not=why_not, others=others)
