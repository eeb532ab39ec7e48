"""Creating and changing triggers: one form, with fields of its own for each kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base import public_ids
from deployments.base.clock import utc_now
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project, ProjectTrigger
from deployments.projects.queries import channels_of, environments_to_choose
from deployments.projects.services.repositories import has_password
from deployments.projects.services.triggers import TriggerInput, create_trigger, update_trigger
from deployments.projects.triggers import filters
from deployments.projects.triggers.actions import RUN_RUNBOOK, environments_named
from deployments.projects.triggers.git_filter import GIT
from deployments.projects.triggers.project_filter import PROJECT
from deployments.projects.web.rail import project_frame
from deployments.projects.web.triggers.event_fields import (
    git_sent,
    git_shown,
    packages_sent,
    packages_shown,
    project_sent,
    project_shown,
    targets_sent,
    targets_shown,
)
from deployments.projects.web.triggers.pages import trigger_of, upcoming
from deployments.projects.web.triggers.schedule_fields import schedule_sent, schedule_shown

_Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How filter and action of a kind are read from the form, and shown in it.

    `begin` is the filter that a new one starts with.
    """

    filter_types: tuple[str, ...]
    lede: str
    template: str
    sent: Callable[[QueryDict], tuple[dict[str, Any], dict[str, Any]]]
    shown: Callable[[Project, _Document, _Document], dict[str, Any]]
    begin: Mapping[str, Any] = field(default_factory=dict)


_KINDS: Final[Mapping[str, _Kind]] = {
    "schedule": _Kind(
        filters.SCHEDULES,
        "Deploys, or runs a runbook, at set times.",
        "projects/_schedule_form.html",
        schedule_sent,
        schedule_shown,
    ),
    "targets": _Kind(
        (filters.MACHINE,),
        "Brings new and recovered targets to the release that is current in their environment.",
        "projects/_targets_form.html",
        targets_sent,
        targets_shown,
        {"EventGroups": ["MachineAvailableForDeployment"]},
    ),
    "packages": _Kind(
        filters.FEEDS,
        "Creates a release when packages arrive in the feeds of the process.",
        "projects/_packages_form.html",
        packages_sent,
        packages_shown,
    ),
    "project": _Kind(
        (PROJECT,),
        "Brings this project along when another one has a release, or is deployed.",
        "projects/_project_form.html",
        project_sent,
        project_shown,
    ),
    "git": _Kind(
        (GIT,),
        "Acts when branches or tags of a Git repository are new, or have moved.",
        "projects/_git_form.html",
        git_sent,
        git_shown,
        {"Branches": ["main"]},
    ),
}
_FIRST: Final = "schedule"


@require_http_methods(["GET", "POST"])
@page(Permission.TriggerCreate)
def trigger_new(request: PageRequest, project: str) -> HttpResponse:
    """Create a trigger."""
    row = find(request, Project, project, Permission.TriggerView)
    require_on(request.actor, row, Permission.TriggerCreate)
    if request.method == "POST":
        return _save(request, row, None)
    kind = _known(request.GET.get("kind", ""))
    runbook = request.GET.get("runbook", "")
    action = {"ActionType": RUN_RUNBOOK, "RunbookId": runbook} if runbook else {}
    start = TriggerInput(name="", filter=_KINDS[kind].begin, action=action)
    return _form(request, row, None, kind, start)


@require_http_methods(["GET", "POST"])
@page(Permission.TriggerEdit)
def trigger_edit(request: PageRequest, project: str, trigger: str) -> HttpResponse:
    """Change a trigger."""
    row, stored = trigger_of(request, project, trigger)
    require_on(request.actor, stored, Permission.TriggerEdit)
    if request.method == "POST":
        return _save(request, row, stored)
    shown = TriggerInput(
        stored.name, stored.filter, stored.action, stored.description, stored.is_disabled
    )
    return _form(request, row, stored, _kind_of(stored.filter_type), shown)


def _save(request: PageRequest, project: Project, stored: ProjectTrigger | None) -> HttpResponse:
    sent = request.POST
    kind = _known(sent.get("kind", ""))
    sent_filter, sent_action = _KINDS[kind].sent(sent)
    trigger = TriggerInput(
        name=sent.get("name", ""),
        filter=sent_filter,
        action=sent_action,
        description=sent.get("description", ""),
        is_disabled=checked(request, "is_disabled"),
        password=_password(sent, stored),
    )
    if sent.get("do") == "preview":
        runs, problems = attempt(
            lambda: upcoming(filters.checked_filter(trigger.filter, utc_now()))
        )
        return _form(request, project, stored, kind, trigger, problems, runs or [])

    def save() -> ProjectTrigger:
        if stored is None:
            return create_trigger(actor=request.actor, project=project, trigger=trigger)
        return update_trigger(actor=request.actor, row=stored, trigger=trigger)

    saved, problems = attempt(save)
    if saved is None:
        return _form(request, project, stored, kind, trigger, problems)
    messages.success(request, f"The trigger {saved.name} was {'saved' if stored else 'created'}.")
    return go(request, f"projects/{project.public_id}/triggers/{saved.public_id}")


def _form(
    request: PageRequest,
    project: Project,
    stored: ProjectTrigger | None,
    kind: str,
    trigger: TriggerInput,
    problems: Problems = NO_PROBLEMS,
    runs: list[dict[str, Any]] | None = None,
) -> HttpResponse:
    how = _KINDS[kind]
    values = {
        **project_frame(request, project, "Triggers"),
        "trigger": stored,
        "title": stored.name if stored else "New trigger",
        "kind": kind,
        "has_password": stored is not None and has_password(stored),
        "lede": how.lede,
        "fields": how.template,
        "name": trigger.name,
        "description": trigger.description,
        "is_disabled": trigger.is_disabled,
        "environments": _environments(request, stored),
        "projects": _others(request, project, stored) if kind == "project" else (),
        "channels": channels_of(project),
        "channel": trigger.action.get("ChannelId") or "",
        "runs": runs,
        **how.shown(project, trigger.filter, trigger.action),
    }
    return show(request, "projects/trigger_form.html", values, problems)


def _environments(request: PageRequest, stored: ProjectTrigger | None) -> list[Environment]:
    named = environments_named(stored.filter, stored.action) if stored else ()
    return list(environments_to_choose(request.actor, request.space, named))


def _others(request: PageRequest, project: Project, stored: ProjectTrigger | None) -> list[Project]:
    """Return which projects may be followed: others that the actor sees, and the one that is."""
    seen = Project.objects.visible_to(request.actor, request.space, Permission.ProjectView)
    named = stored.filter.get("SourceProjectId", "") if stored else ""
    number = public_ids.parse(Project.id_prefix, named)
    rows = Project.objects.in_space(request.space).filter(
        Q(pk__in=seen.values("pk")) | Q(pk=number or 0)
    )
    return list(rows.exclude(pk=project.pk).order_by("name"))


def _password(sent: QueryDict, stored: ProjectTrigger | None) -> str | None:
    """Return the password; an empty one keeps the stored one unless its removal is asked for."""
    typed = sent.get("password", "")
    keeps = stored is not None and not sent.get("no_password")
    return None if keeps and not typed else typed


def _known(kind: str) -> str:
    return kind if kind in _KINDS else _FIRST


def _kind_of(filter_type: str) -> str:
    return next(name for name, kind in _KINDS.items() if filter_type in kind.filter_types)
