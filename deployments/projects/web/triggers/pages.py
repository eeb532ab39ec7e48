"""The triggers of a project: what there is, when it runs next, and what was decided."""

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Max, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import carry_out, go, page_of, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import utc_now
from deployments.base.errors import NotFound
from deployments.library.tenancy import tenant_words
from deployments.projects.models import (
    AutomationDecision,
    Outcome,
    Project,
    ProjectTrigger,
    WatchedRepository,
)
from deployments.projects.queries import channels_of, environments_to_choose, runbooks_of
from deployments.projects.services.repositories import look_soon
from deployments.projects.services.triggers import delete_trigger, set_trigger_disabled
from deployments.projects.triggers.filters import SCHEDULES, timetable_of
from deployments.projects.triggers.git_filter import short
from deployments.projects.triggers.schedules import next_runs
from deployments.projects.triggers.words import action_words, filter_words
from deployments.projects.web.rail import project_frame

SHOWN_RUNS = 5
# Where what a decision has made is shown, by the beginning of its id.
_PAGES = {"Releases": "releases", "RunbookRuns": "runbook-runs"}
_RECENT = 15
_DUE_NEXT = 3
_SHOWN_REFERENCES = 30


@require_GET
@page(Permission.TriggerView)
def trigger_list(request: PageRequest, project: str) -> HttpResponse:
    """List the triggers with their last results, and what was decided lately."""
    row = find(request, Project, project, Permission.TriggerView)
    triggers = list(ProjectTrigger.objects.in_space(request.space).filter(project=row))
    names = names_of(request.actor, row, triggers)
    last = _last_decisions(triggers)
    values = {
        **project_frame(request, row, "Triggers"),
        "triggers": [
            {
                "row": each,
                "when": filter_words(each.filter, names),
                "what": action_words(each.action, names),
                "last": last.get(each.pk),
            }
            for each in triggers
        ],
        "decisions": shown_decisions(decisions_of(row)[:_RECENT], names),
        "pending": row.pending_deployments.count(),
        **_rights(request, row),
    }
    return show(request, "projects/triggers.html", values)


@require_GET
@page(Permission.TriggerView)
def trigger_page(request: PageRequest, project: str, trigger: str) -> HttpResponse:
    """Show a trigger: when it runs next, and each of its decisions."""
    row, stored = trigger_of(request, project, trigger)
    names = names_of(request.actor, row, [stored])
    decisions = page_of(request, decisions_of(row).filter(trigger=stored))
    values = {
        **project_frame(request, row, "Triggers"),
        "trigger": stored,
        "when": filter_words(stored.filter, names),
        "what": action_words(stored.action, names),
        "runs": upcoming(stored.filter) if stored.filter_type in SCHEDULES else [],
        "is_scheduled": stored.filter_type in SCHEDULES,
        "pending": stored.pending_deployments.count(),
        "waiting": stored.waiting_targets.filter(
            environment__in=environments_to_choose(request.actor, request.space)
        ).select_related("machine", "environment"),
        "page": decisions,
        "decisions": shown_decisions(decisions, names),
        **_repository(stored),
        **_rights(request, row),
    }
    return show(request, "projects/trigger.html", values)


@require_GET
@page(Permission.TriggerView)
def decision_list(request: PageRequest, project: str) -> HttpResponse:
    """List everything that was decided by itself about the project."""
    row = find(request, Project, project, Permission.TriggerView)
    rows = decisions_of(row)
    outcome = request.GET.get("outcome", "")
    if outcome in Outcome.values:
        rows = rows.filter(outcome=outcome)
    decisions = page_of(request, rows)
    values = {
        **project_frame(request, row, "Triggers"),
        "page": decisions,
        "decisions": shown_decisions(decisions, names_of(request.actor, row)),
        "outcomes": Outcome.choices,
        "outcome": outcome,
    }
    return show(request, "projects/decisions.html", values)


@require_POST
@page(Permission.TriggerEdit)
def trigger_pause(request: PageRequest, project: str, trigger: str) -> HttpResponse:
    """Pause the trigger, or let it go on."""
    row, stored = trigger_of(request, project, trigger)
    pauses = request.POST.get("do") == "pause"
    back = f"/{stored.public_id}" if request.POST.get("from") == "page" else ""
    return carry_out(
        request,
        lambda: set_trigger_disabled(actor=request.actor, row=stored, is_disabled=pauses),
        f"The trigger {stored.name} {'is paused' if pauses else 'goes on'}.",
        to=f"projects/{row.public_id}/triggers{back}",
    )


@require_POST
@page(Permission.TriggerDelete)
def trigger_delete(request: PageRequest, project: str, trigger: str) -> HttpResponse:
    """Delete a trigger."""
    row, stored = trigger_of(request, project, trigger)
    name = stored.name
    delete_trigger(actor=request.actor, row=stored)
    messages.success(request, f"The trigger {name} was deleted.")
    return go(request, f"projects/{row.public_id}/triggers")


@require_POST
@page(Permission.TriggerEdit)
def trigger_look(request: PageRequest, project: str, trigger: str) -> HttpResponse:
    """Look at the repository of the trigger now."""
    row, stored = trigger_of(request, project, trigger)
    look_soon(actor=request.actor, row=stored)
    messages.success(request, "The repository is being looked at.")
    return go(request, f"projects/{row.public_id}/triggers/{stored.public_id}")


def trigger_of(request: PageRequest, project: str, trigger: str) -> tuple[Project, ProjectTrigger]:
    """Return the project and its trigger that the actor may see; raises NotFound."""
    row = find(request, Project, project, Permission.TriggerView)
    stored = find(request, ProjectTrigger, trigger, Permission.TriggerView)
    if stored.project_id != row.pk:
        raise NotFound
    stored.project = row
    return row, stored


def names_of(
    actor: Actor, project: Project, triggers: Collection[ProjectTrigger] = ()
) -> dict[str, str]:
    """Return names by public id: of environments, channels, runbooks, and of what triggers name:
    tenants, and projects that they follow.

    Environments and projects that the actor may not see stay without a name.
    """
    environments = environments_to_choose(actor, project.space)
    sources = {each.filter.get("SourceProjectId", "") for each in triggers} - {""}
    followed = [public_ids.parse(Project.id_prefix, text) for text in sources]
    projects = Project.objects.visible_to(actor, project.space, Permission.ProjectView)
    rows: Iterable[Any] = [
        *environments,
        *channels_of(project),
        *runbooks_of(project),
        *(projects.filter(pk__in=[number for number in followed if number]) if followed else ()),
    ]
    tenants = {text for each in triggers for text in each.action.get("TenantIds", ())}
    numbers = [number for text in tenants if (number := public_ids.parse("Tenants", text))]
    words = tenant_words(project.space, numbers)
    known = {f"Tenants-{number}": word for number, word in zip(numbers, words, strict=True)}
    return {**{row.public_id: row.name for row in rows}, **known}


def due_next(request: PageRequest, project: Project) -> list[tuple[ProjectTrigger, str]]:
    """Return the triggers of the project that run next, with what they do."""
    if not allows_on(request.actor, project, Permission.TriggerView):
        return []
    rows = ProjectTrigger.objects.in_space(request.space).filter(project=project, is_disabled=False)
    triggers = list(rows.exclude(next_run=None).order_by("next_run")[:_DUE_NEXT])
    names = names_of(request.actor, project, triggers) if triggers else {}
    return [(each, action_words(each.action, names)) for each in triggers]


def decisions_of(project: Project) -> "QuerySet[AutomationDecision]":
    """Return what was decided about the project, newest first."""
    rows = AutomationDecision.objects.in_space(project.space).filter(project=project)
    return rows.select_related("trigger")


def shown_decisions(
    rows: Iterable[AutomationDecision], names: dict[str, str]
) -> list[dict[str, Any]]:
    """Return decisions with the name of their environment and links to what they made."""
    return [
        {
            "row": row,
            "environment": names.get(row.environment_id, ""),
            "results": [
                (text, _PAGES.get(text.partition("-")[0], "deployments")) for text in row.results
            ],
        }
        for row in rows
    ]


def upcoming(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the next times of a schedule as moments and in the words of its zone's clocks."""
    table = timetable_of(document)
    runs = next_runs(table.schedule, table.zone, utc_now(), SHOWN_RUNS)
    return [
        {"moment": run, "text": f"{run.astimezone(table.zone):%a %Y-%m-%d %H:%M}"} for run in runs
    ]


def _repository(trigger: ProjectTrigger) -> dict[str, Any]:
    """Return what is known of the repository that the trigger watches."""
    watched = WatchedRepository.objects.filter(trigger=trigger).defer("sealed_password").first()
    seen = sorted((watched.seen or {}).items()) if watched else []
    return {
        "repository": watched,
        "seen": [(short(name), object_id) for name, object_id in seen[:_SHOWN_REFERENCES]],
        "more_seen": max(0, len(seen) - _SHOWN_REFERENCES),
    }


def _last_decisions(triggers: list[ProjectTrigger]) -> dict[int, AutomationDecision]:
    """Return the newest decision of each trigger, by the trigger's number; two queries."""
    if not triggers:
        return {}
    rows = AutomationDecision.objects.in_space(triggers[0].space)
    newest = rows.filter(trigger__in=triggers).order_by().values("trigger")
    found = rows.filter(pk__in=newest.annotate(newest=Max("pk")).values("newest"))
    return {row.trigger_id: row for row in found if row.trigger_id is not None}


def _rights(request: PageRequest, project: Project) -> dict[str, bool]:
    return {
        "may_create": allows_on(request.actor, project, Permission.TriggerCreate),
        "may_edit": allows_on(request.actor, project, Permission.TriggerEdit),
        "may_delete": allows_on(request.actor, project, Permission.TriggerDelete),
    }
