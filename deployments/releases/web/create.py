"""Cutting a release: channel, number, packages with why a version does not fit, notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from agent.versions import Version
from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.library.queries import candidates
from deployments.projects.models import Channel, Project
from deployments.projects.queries import channels_of, process_of, read_process
from deployments.projects.settings import extra_document
from deployments.projects.version_rules import VersionRule, rules_from_json
from deployments.projects.web.rail import project_frame
from deployments.releases.channel_rules import rule_for
from deployments.releases.queries import releases_of
from deployments.releases.selection import PackageSpec, newest_fitting
from deployments.releases.services import create_release
from deployments.releases.services.child_releases import newest_release
from deployments.releases.services.packages import (
    NeededPackage,
    PackageWishes,
    needed_packages,
    select_packages,
)
from deployments.releases.services.releases import next_number, resolve_channel
from deployments.releases.variables import values_at_release
from deployments.releases.web.acts import path_of
from deployments.releases.web.frames import project_of
from packages_feed.queries.versions import versions_of

_MOST_VERSIONS = 30


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """A version of a package; `why_not` is set when the channel refuses it."""

    version: str
    note: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class PackageChoices:
    """A package of the release with the versions to choose from; none: it is typed."""

    need: NeededPackage
    field: str
    choices: tuple[VersionChoice, ...]
    chosen: str
    refused: int = 0

    @property
    def has_fitting(self) -> bool:
        return any(not choice.why_not for choice in self.choices)

    @property
    def is_typed(self) -> bool:
        """Whether the feed cannot be searched."""
        return not self.need.is_searchable


@require_http_methods(["GET", "POST"])
@page(Permission.ReleaseCreate)
def release_create(request: PageRequest, project: str) -> HttpResponse:
    """Propose the next release; cut it."""
    row = project_of(request, project)
    require_on(request.actor, row, Permission.ReleaseCreate)
    if request.method == "GET":
        channel, _ = attempt(lambda: resolve_channel(row, request.GET.get("channel", "")))
        return _page(request, row, channel or resolve_channel(row, ""), {})
    sent = request.POST
    channel, _ = attempt(lambda: resolve_channel(row, sent.get("channel", "")))
    chosen = channel or resolve_channel(row, "")
    needed = _needed(row, chosen)
    specs = [
        PackageSpec(need.action.name, need.reference.name, text, is_exact=True)
        for number, need in enumerate(needed)
        if (text := sent.get(f"package:{number}", "").strip())
    ]
    release, problems = attempt(
        lambda: create_release(
            actor=request.actor,
            project=row,
            version=sent.get("version", ""),
            channel=chosen,
            selected_packages=specs,
            notes=sent.get("notes", ""),
            ignore_channel_rules=checked(request, "ignore_rules"),
        )
    )
    if release is None:
        return _page(request, row, chosen, sent.dict(), problems)
    messages.success(request, f"Release {release.version} was created.")
    return go(request, path_of(release))


@require_POST
@page(Permission.ReleaseView)
def notes_preview(request: PageRequest, project: str) -> HttpResponse:
    """Return the notes as they will look."""
    project_of(request, project)
    return render(
        request, "releases/_notes_preview.html", {"notes": request.POST.get("notes", "")[:100_000]}
    )


def _page(
    request: PageRequest,
    project: Project,
    channel: Channel,
    sent: Mapping[str, Any],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    needed = _needed(project, channel)
    rules = rules_from_json(channel.rules)
    packages = [
        _choices(project, need, f"package:{number}", rules, sent)
        for number, need in enumerate(needed)
    ]
    proposed, why_no_number = attempt(lambda: _proposed(project, channel, needed))
    values = {
        **project_frame(request, project, "Releases"),
        "channels": list(channels_of(project)),
        "channel": channel,
        "packages": packages,
        "version": sent.get("version", proposed or ""),
        "notes": sent.get("notes", ""),
        "why_no_number": why_no_number.errors,
        "has_steps": bool(process_of(project).steps),
        "is_lacking": any(not each.is_typed and not each.has_fitting for each in packages),
        "may_ignore_rules": bool(rules)
        and extra_document(project.extra)["AllowIgnoreChannelRules"],
        "ignores_rules": bool(sent.get("ignore_rules")),
    }
    return show(request, "releases/release_create.html", values, problems)


def _needed(project: Project, channel: Channel) -> list[NeededPackage]:
    stored = candidates(project.variable_set) if project.variable_set else []
    values = values_at_release(stored, project=project.public_id, channel=channel.public_id)
    process = read_process(process_of(project))
    return needed_packages(project.space, process, channel, values)


def _proposed(project: Project, channel: Channel, needed: Sequence[NeededPackage]) -> str:
    """Return the next number; a package may give it, so the versions are chosen when they can."""
    selected, _ = attempt(lambda: select_packages(project.space, needed, channel, PackageWishes()))
    return next_number(project, channel, selected or ())


def _choices(
    project: Project,
    need: NeededPackage,
    field: str,
    rules: Sequence[VersionRule],
    sent: Mapping[str, Any],
) -> PackageChoices:
    fixed = need.reference.version if "#{" not in need.reference.version else ""
    rule = rule_for(rules, need.action.name, need.reference.name)
    if need.project is not None:
        return _child_choices(need, need.project, field, rule, sent)
    searchable = need.is_searchable
    rows = versions_of(project.space, need.package_id).filter(listed=True) if searchable else None
    texts = (
        list(rows.values_list("version", flat=True)[:_MOST_VERSIONS]) if rows is not None else []
    )
    versions = [Version.parse(text) for text in texts]
    best = newest_fitting(versions, rule=rule)
    choices = tuple(_choice(version, rule, best) for version in versions)
    chosen = sent.get(field) or fixed or (best.original if best else "")
    refused = sum(1 for choice in choices if choice.why_not)
    return PackageChoices(need, field, choices, str(chosen), refused)


def _child_choices(
    need: NeededPackage,
    child: Project,
    field: str,
    rule: VersionRule | None,
    sent: Mapping[str, Any],
) -> PackageChoices:
    """Return the releases of another project, newest first; the last one made is proposed."""
    texts = releases_of(child).order_by("-pk").values_list("version", flat=True)[:_MOST_VERSIONS]
    newest = newest_release(child, rule=rule)
    best = Version.parse(newest.version) if newest else None
    choices = tuple(_choice(Version.parse(text), rule, best, "made last") for text in texts)
    chosen = sent.get(field) or (newest.version if newest else "")
    refused = sum(1 for choice in choices if choice.why_not)
    return PackageChoices(need, field, choices, str(chosen), refused)


def _choice(
    version: Version,
    rule: VersionRule | None,
    best: Version | None,
    words: str = "newest that fits",
) -> VersionChoice:
    if rule is not None and not rule.accepts(version):
        parts = []
        if rule.version_range is not None and not rule.version_range.contains(version):
            parts.append(f"outside the range {rule.version_range}")
        if rule.tag:
            parts.append(f"pre-release tag does not match {rule.tag}")
        return VersionChoice(version.original, why_not=" or ".join(parts) or "refused by a rule")
    if version == best:
        return VersionChoice(version.original, note=words)
    note = "pre-release, never chosen by itself" if version.is_prerelease and rule is None else ""
    return VersionChoice(version.original, note=note)
