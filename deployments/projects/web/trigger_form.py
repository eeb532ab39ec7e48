"""The form of a trigger: a schedule, events of targets, or packages."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, show, words
from deployments.access.web.pages import PageRequest, find, page
from deployments.audit.categories import CATEGORIES
from deployments.base import public_ids
from deployments.base.clock import utc_now
from deployments.infrastructure.models import Environment
from deployments.infrastructure.tenancy import tenant_words
from deployments.projects.models import Project, ProjectTrigger
from deployments.projects.queries import (
    channels_of,
    environments_to_choose,
    process_of,
    read_process,
    runbooks_of,
)
from deployments.projects.runbook_tags import runbook_tag_sets_of
from deployments.projects.runbooks import runbook_document
from deployments.projects.services.triggers import TriggerInput, create_trigger, update_trigger
from deployments.projects.settings import extra_document
from deployments.projects.triggers import filters
from deployments.projects.triggers.actions import (
    AUTO_DEPLOY,
    CREATE_RELEASE,
    DEPLOY_LATEST,
    DEPLOY_NEW,
    RUN_RUNBOOK,
    answers_of_action,
    environments_named,
)
from deployments.projects.triggers.schedules import DAYS
from deployments.projects.triggers.walltime import zone_names
from deployments.projects.triggers.words import GROUP_WORDS
from deployments.projects.web.rail import project_frame
from deployments.projects.web.triggers import trigger_of, upcoming

KINDS: Final = ("schedule", "targets", "packages")
_SCHEDULES: Final = (
    (filters.ONCE_DAILY, "Once a day"),
    (filters.CONTINUOUS, "At intervals"),
    ("DateOfMonth", "On a date of the month"),
    ("DayOfMonth", "On a weekday of the month"),
    (filters.CRON, "By a cron expression"),
)
_NUMBERS: Final = (("1", "First"), ("2", "Second"), ("3", "Third"), ("4", "Fourth"), ("L", "Last"))
_REDEPLOYS: Final = "ShouldRedeployWhenMachineHasBeenDeployedTo"
_SEPARATOR: Final = "\t"
_DAY: Final = "2000-01-01T"


@require_http_methods(["GET", "POST"])
@page(Permission.TriggerCreate)
def trigger_new(request: PageRequest, project: str) -> HttpResponse:
    """Create a trigger."""
    row = find(request, Project, project, Permission.TriggerView)
    require_on(request.actor, row, Permission.TriggerCreate)
    if request.method == "POST":
        return _save(request, row, None)
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else KINDS[0]
    groups = ["MachineAvailableForDeployment"] if kind == "targets" else []
    start = TriggerInput(name="", filter={"EventGroups": groups}, action={})
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
    kind = sent.get("kind", "")
    kind = kind if kind in KINDS else KINDS[0]
    read = {"schedule": _schedule_sent, "targets": _targets_sent, "packages": _packages_sent}[kind]
    sent_filter, sent_action = read(sent)
    trigger = TriggerInput(
        name=sent.get("name", ""),
        filter=sent_filter,
        action=sent_action,
        description=sent.get("description", ""),
        is_disabled=checked(request, "is_disabled"),
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


def _schedule_sent(sent: QueryDict) -> tuple[dict[str, Any], dict[str, Any]]:
    choice = sent.get("schedule", filters.ONCE_DAILY)
    by_month = choice in {"DateOfMonth", "DayOfMonth"}
    is_hourly = sent.get("unit") != "minutes"
    sent_filter = {
        "FilterType": filters.MONTHLY if by_month else choice,
        "MonthlyScheduleType": choice,
        "StartTime": f"{_DAY}{sent.get('at', '')}",
        "DaysOfWeek": sent.getlist("days"),
        "Interval": "OnceHourly" if is_hourly else "OnceEveryMinute",
        "HourInterval" if is_hourly else "MinuteInterval": sent.get("every", ""),
        "RunAfter": f"{_DAY}{sent.get('after', '')}",
        "RunUntil": f"{_DAY}{sent.get('until', '')}",
        "DateOfMonth": sent.get("date", ""),
        "DayNumberOfMonth": sent.get("number", ""),
        "DayOfWeek": sent.get("weekday", ""),
        "CronExpression": sent.get("cron", ""),
        "Timezone": sent.get("zone", ""),
    }
    destination, wanted = sent.get("destination", ""), sent.get("action", "")
    answers = _answers_sent(sent.get("answers", ""))
    action = {
        "ActionType": wanted if wanted in {DEPLOY_NEW, RUN_RUNBOOK} else DEPLOY_LATEST,
        "SourceEnvironmentIds": sent.getlist("sources"),
        "DestinationEnvironmentId": destination,
        "EnvironmentId": destination,
        "ChannelId": sent.get("channel", ""),
        "Variables": answers,
        "FormValues": answers,
        "RunbookId": "" if sent.get("which") == "tags" else sent.get("runbook", ""),
        "RunbookTags": sent.getlist("runbook_tags") if sent.get("which") == "tags" else [],
        "EnvironmentIds": sent.getlist("places"),
        "TenantIds": words(sent.get("tenants", "")),
        "TenantTags": words(sent.get("tags", "")),
        "ShouldRedeployWhenReleaseIsCurrent": bool(sent.get("redeploys")),
    }
    return sent_filter, action


def _answers_sent(text: str) -> dict[str, str]:
    """Return the answers to prompts that a person typed, a name and its value in each line."""
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _targets_sent(sent: QueryDict) -> tuple[dict[str, Any], dict[str, Any]]:
    sent_filter = {
        "FilterType": filters.MACHINE,
        "EventGroups": sent.getlist("groups"),
        "EventCategories": sent.getlist("categories"),
        "EnvironmentIds": sent.getlist("environments"),
        "Roles": words(sent.get("roles", "")),
    }
    return sent_filter, {"ActionType": AUTO_DEPLOY, _REDEPLOYS: bool(sent.get("redeploys"))}


def _packages_sent(sent: QueryDict) -> tuple[dict[str, Any], dict[str, Any]]:
    pairs = [text.partition(_SEPARATOR) for text in sent.getlist("packages")]
    is_any = sent.get("how") == filters.ANY_NEW
    sent_filter = {
        "FilterType": filters.ANY_NEW if is_any else filters.ALL_ARRIVED,
        "Packages": [
            {"DeploymentAction": action, "PackageReference": reference}
            for action, _, reference in pairs
        ],
    }
    return sent_filter, {"ActionType": CREATE_RELEASE, "ChannelId": sent.get("channel", "")}


def _form(
    request: PageRequest,
    project: Project,
    stored: ProjectTrigger | None,
    kind: str,
    trigger: TriggerInput,
    problems: Problems = NO_PROBLEMS,
    runs: list[dict[str, Any]] | None = None,
) -> HttpResponse:
    parts = {"schedule": _schedule_shown, "targets": _targets_shown, "packages": _packages_shown}
    values = {
        **project_frame(request, project, "Triggers"),
        "trigger": stored,
        "title": stored.name if stored else "New trigger",
        "kind": kind,
        "name": trigger.name,
        "description": trigger.description,
        "is_disabled": trigger.is_disabled,
        "environments": _environments(request, stored),
        "channels": channels_of(project),
        "channel": trigger.action.get("ChannelId") or "",
        "runs": runs,
        **parts[kind](project, trigger.filter, trigger.action),
    }
    return show(request, "projects/trigger_form.html", values, problems)


def _environments(request: PageRequest, stored: ProjectTrigger | None) -> list[Environment]:
    named = environments_named(stored.filter, stored.action) if stored else ()
    return list(environments_to_choose(request.actor, request.space, named))


def _schedule_shown(
    project: Project, shown: Mapping[str, Any], action: Mapping[str, Any]
) -> dict[str, Any]:
    kind = shown.get("FilterType") or filters.ONCE_DAILY
    is_hourly = shown.get("Interval") != "OnceEveryMinute"
    every = shown.get("HourInterval" if is_hourly else "MinuteInterval")
    return {
        "schedules": _SCHEDULES,
        "schedule": _choice_of(kind, shown),
        "zones": zone_names(),
        "zone": shown.get("Timezone") or "UTC",
        "week": DAYS,
        "days": shown.get("DaysOfWeek", DAYS),
        "at": _clock(shown, "StartTime", "03:00"),
        "every": every or "1",
        "unit": "hours" if is_hourly else "minutes",
        "after": _clock(shown, "RunAfter", "00:00"),
        "until": _clock(shown, "RunUntil", "23:59"),
        "date": shown.get("DateOfMonth") or "1",
        "numbers": _NUMBERS,
        "number": shown.get("DayNumberOfMonth") or "1",
        "weekday": shown.get("DayOfWeek") or DAYS[0],
        "cron": shown.get("CronExpression") or "",
        "action": action.get("ActionType") or DEPLOY_LATEST,
        "sources": action.get("SourceEnvironmentIds", []),
        "destination": action.get("DestinationEnvironmentId") or action.get("EnvironmentId"),
        "redeploys": action.get("ShouldRedeployWhenReleaseIsCurrent", True),
        "has_tenants": _has_tenants(project),
        "tenants": ", ".join(_tenants_shown(project, action.get("TenantIds", []))),
        "tags": ", ".join(action.get("TenantTags", [])),
        "answers": _answers_shown(action.get("Variables") or action.get("FormValues")),
        "runbooks": runbooks_of(project),
        "runbook": action.get("RunbookId") or "",
        "runbook_tag_sets": runbook_tag_sets_of(project.space),
        "runbook_tags": action.get("RunbookTags", []),
        "places": action.get("EnvironmentIds", []),
    }


def _has_tenants(project: Project) -> bool:
    return extra_document(project.extra)["TenantedDeploymentMode"] != "Untenanted" or any(
        runbook_document(each.settings)["MultiTenancyMode"] != "Untenanted"
        for each in runbooks_of(project)
    )


def _tenants_shown(project: Project, texts: Sequence[str]) -> list[str]:
    """Return tenants by name, as they are typed; what is no id is shown as it was."""
    numbers = {text: public_ids.parse("Tenants", text) for text in texts}
    known = [number for number in numbers.values() if number is not None]
    typed = [text for text, number in numbers.items() if number is None]
    return [*tenant_words(project.space, known), *typed]


def _answers_shown(answers: Any) -> str:
    """Return answers as they are typed; those of a refused form are no text yet."""
    pairs = answers if isinstance(answers, dict) else answers_of_action({"Variables": answers})
    return "\n".join(f"{name} = {value}" for name, value in pairs.items())


def _choice_of(kind: str, shown: Mapping[str, Any]) -> str:
    """Return the choice of the form that means what the document says."""
    if kind == filters.MONTHLY:
        return str(shown["MonthlyScheduleType"])
    if kind not in filters.OLDER:
        return kind
    once = shown.get("Interval", "OnceDaily") == "OnceDaily"
    return filters.ONCE_DAILY if once else filters.CONTINUOUS


def _targets_shown(
    _: Project, shown: Mapping[str, Any], action: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "groups": [(name, GROUP_WORDS[name]) for name in filters.MACHINE_GROUPS],
        "chosen_groups": shown.get("EventGroups", []),
        "categories": [(name, CATEGORIES[name]) for name in filters.MACHINE_CATEGORIES],
        "chosen_categories": shown.get("EventCategories", []),
        "chosen_environments": shown.get("EnvironmentIds", []),
        "roles": ", ".join(shown.get("Roles", [])),
        "redeploys": action.get(_REDEPLOYS, False),
    }


def _packages_shown(
    project: Project, shown: Mapping[str, Any], _: Mapping[str, Any]
) -> dict[str, Any]:
    chosen = shown.get("Packages", [])
    return {
        "packages": [
            (
                f"{action.name}{_SEPARATOR}{package.name}",
                f"{action.name}: {package.package_id}" if package.package_id else action.name,
            )
            for _step, action in read_process(process_of(project)).actions()
            for package in action.packages
        ],
        "chosen_packages": [
            f"{each['DeploymentAction']}{_SEPARATOR}{each['PackageReference']}" for each in chosen
        ],
        "how": shown.get("FilterType") or filters.ALL_ARRIVED,
    }


def _clock(shown: Mapping[str, Any], name: str, default: str) -> str:
    """Return the time of day in a moment of the wire, as browsers write it."""
    text = str(shown.get(name) or "").partition("T")[2]
    return (
        text.removesuffix(".000Z").removesuffix(":00") if text.count(":") > 1 else text or default
    )


def _kind_of(filter_type: str) -> str:
    if filter_type in filters.SCHEDULES:
        return "schedule"
    return "targets" if filter_type == filters.MACHINE else "packages"
