"""Cutting a release: channel, number, packages with why a version does not fit, notes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.projects.custom_fields import stored_definitions
from deployments.projects.models import Channel, Project
from deployments.projects.queries import channels_of, process_of, project_candidates, read_process
from deployments.projects.settings import deployment_settings, extra_document
from deployments.projects.web.rail import project_frame
from deployments.releases.models import Release, ReleaseSelectedPackage
from deployments.releases.queries import find_release
from deployments.releases.selection import PackageSpec
from deployments.releases.services import create_release
from deployments.releases.services.channel_choice import resolve_channel
from deployments.releases.services.packages import (
    NeededPackage,
    PackageWishes,
    needed_packages,
    refresh_feeds,
    select_packages,
)
from deployments.releases.services.releases import next_number
from deployments.releases.variables import values_at_release
from deployments.releases.web.acts import path_of
from deployments.releases.web.frames import project_of
from deployments.releases.web.package_choices import choice_context, package_choices

FIELD: Final = "field:"


@require_http_methods(["GET", "POST"])
@page(Permission.ReleaseCreate)
def release_create(request: PageRequest, project: str) -> HttpResponse:
    """Propose the next release, or a copy of the one that `copy` names; cut it."""
    row = project_of(request, project)
    require_on(request.actor, row, Permission.ReleaseCreate)
    if request.method == "GET":
        return _propose(request, row)
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
            version=_version(sent),
            channel=chosen,
            selected_packages=specs,
            notes=sent.get("notes", ""),
            ignore_channel_rules=checked(request, "ignore_rules"),
            custom_fields=sent_fields(sent),
        )
    )
    if release is None:
        return _page(request, row, chosen, sent.dict(), problems)
    proposed = sent.get("proposed", "")
    taken = f" It is not {proposed}, as proposed." if _is_other(release.version, sent) else ""
    messages.success(request, f"Release {release.version} was created.{taken}")
    return go(request, path_of(release))


@require_POST
@page(Permission.ReleaseView)
def notes_preview(request: PageRequest, project: str) -> HttpResponse:
    """Return the notes as they will look."""
    project_of(request, project)
    return render(
        request, "releases/_notes_preview.html", {"notes": request.POST.get("notes", "")[:100_000]}
    )


def _version(sent: Mapping[str, Any]) -> str:
    """Return the number that was typed; empty when the proposed one was left as it was.

    It is made anew then: two people do not collide, and a package that gives the number may have
    been changed.
    """
    version = str(sent.get("version", "")).strip()
    return "" if version == sent.get("proposed") else version


def _is_other(version: str, sent: Mapping[str, Any]) -> bool:
    return not _version(sent) and bool(sent.get("proposed")) and version != sent["proposed"]


def sent_fields(sent: Mapping[str, Any]) -> dict[str, str]:
    """Return the custom fields of a sent form."""
    return {name.removeprefix(FIELD): str(sent[name]) for name in sent if name.startswith(FIELD)}


def _propose(request: PageRequest, project: Project) -> HttpResponse:
    copied = find_release(project, request.GET.get("copy", ""))
    visible = Release.objects.visible_to(request.actor, request.space, Permission.ReleaseView)
    if copied is None or not visible.filter(pk=copied.pk).exists():
        channel, _ = attempt(lambda: resolve_channel(project, request.GET.get("channel", "")))
        return _page(request, project, channel or resolve_channel(project, ""), {})
    named = request.GET.get("channel", "") or copied.channel.public_id
    channel, _ = attempt(lambda: resolve_channel(project, named))
    chosen = channel or resolve_channel(project, "")
    return _page(request, project, chosen, _copied(project, copied, chosen))


def _copied(project: Project, release: Release, channel: Channel) -> dict[str, str]:
    """Return the form that makes another release with the same notes, packages and fields."""
    rows = ReleaseSelectedPackage.objects.filter(release=release)
    versions = {(row.action_name, row.reference_name): row.version for row in rows}
    sent = {
        f"package:{number}": version
        for number, need in enumerate(_needed(project, channel))
        if (version := versions.get((need.action.name, need.reference.name)))
    }
    sent |= {f"{FIELD}{name}": text for name, text in release.custom_fields.items()}
    return {**sent, "notes": release.notes}


def _page(
    request: PageRequest,
    project: Project,
    channel: Channel,
    sent: Mapping[str, Any],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    needed = _needed(project, channel)
    refresh_feeds(needed)
    channels = list(channels_of(project))
    context = choice_context(project, channel, channels)
    packages = [
        package_choices(project, need, name, context, str(sent.get(name) or ""))
        for number, need in enumerate(needed)
        if (name := f"package:{number}")
    ]
    proposed, why_no_number = attempt(lambda: _proposed(project, channel, needed))
    definitions = stored_definitions(channel.extra)
    values = {
        **project_frame(request, project, "Releases"),
        "channels": channels,
        "channel": channel,
        "packages": packages,
        "version": _version(sent) or proposed or "",
        "proposed": proposed or "",
        "notes": sent.get("notes", ""),
        "has_template": bool(deployment_settings(project.settings).release_notes_template),
        "fields": [(each, sent.get(f"{FIELD}{each.name}", "")) for each in definitions],
        "why_no_number": why_no_number.errors,
        "has_steps": bool(process_of(project).steps),
        "is_lacking": any(not each.is_typed and not each.has_fitting for each in packages),
        "may_ignore_rules": bool(context.rules)
        and extra_document(project.extra)["AllowIgnoreChannelRules"],
        "ignores_rules": bool(sent.get("ignore_rules")),
    }
    return show(request, "releases/release_create.html", values, problems)


def _needed(project: Project, channel: Channel) -> list[NeededPackage]:
    stored = project_candidates(project)
    values = values_at_release(stored, project=project.public_id, channel=channel.public_id)
    process = read_process(process_of(project))
    return needed_packages(project.space, process, channel, values)


def _proposed(project: Project, channel: Channel, needed: Sequence[NeededPackage]) -> str:
    """Return the next number; a package may give it, so the versions are chosen when they can."""
    selected, _ = attempt(lambda: select_packages(project.space, needed, channel, PackageWishes()))
    return next_number(project, channel, selected or ())
