"""The process editor: steps in order, the catalogue, and the form of one step."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.queries import teams_visible_to
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import Invalid, NotFound
from deployments.base.numbers import whole_number
from deployments.infrastructure.models import Environment, Machine, WorkerPool
from deployments.infrastructure.queries import visible_roles
from deployments.projects.models import DeploymentProcess, Project
from deployments.projects.process import Process, editing
from deployments.projects.queries import channels_of, read_process
from deployments.projects.services.processes import STALE, save_process
from deployments.projects.step_catalogue import find_step_kind, step_kinds
from deployments.projects.tenant_tags import tenant_tags_of
from deployments.projects.web.process_form import (
    BUILT_IN,
    StepForm,
    form_of,
    new_form,
    require_complete,
    sent_step,
)
from deployments.projects.web.process_owner import ProcessOwner, owner_of
from deployments.projects.web.process_rows import kinds_by_category, process_groups
from deployments.projects.web.rail import project_frame
from deployments.projects.web.steps.template_check import findings_of_form, warnings_of_step
from packages_feed.models import Feed
from packages_feed.queries import find_feed, package_ids

_MOST_SUGGESTED = 200


@require_GET
@page(Permission.ProcessView)
def process_page(request: PageRequest, project: str) -> HttpResponse:
    """Show the steps; `step` opens a step's form, `type` that of a new one."""
    return show_process(request, owner_of(request, project))


def show_process(request: PageRequest, owner: ProcessOwner) -> HttpResponse:
    """Show the steps of a project or a runbook, perhaps with the form of one."""
    process = read_process(owner.stored)
    form = None
    if kind := find_step_kind(request.GET.get("type", "")):
        form = new_form(kind)
    elif action_id := request.GET.get("step", ""):
        form = _stored_form(process, action_id)
    return _page(request, owner, form)


@require_GET
@page(Permission.ProcessEdit)
def step_catalogue_page(request: PageRequest, project: str) -> HttpResponse:
    """Show the kinds of steps to choose from."""
    return show_catalogue(request, owner_of(request, project))


def show_catalogue(request: PageRequest, owner: ProcessOwner) -> HttpResponse:
    """Show the kinds of steps for the process of a project or a runbook."""
    values = {**_frame(request, owner), "categories": kinds_by_category()}
    return show(request, "projects/step_catalogue.html", values)


@require_POST
@page(Permission.ProcessEdit)
def step_save(request: PageRequest, project: str) -> HttpResponse:
    """Save the form of one step into the process that it was read from."""
    return save_step(request, owner_of(request, project))


def save_step(request: PageRequest, owner: ProcessOwner) -> HttpResponse:
    """Save the form of one step of a project or a runbook."""
    stored = owner.stored
    process = read_process(stored)
    action_id = request.POST.get("step", "")
    action = process.action(action_id)
    kind = find_step_kind(action.action_type if action else request.POST.get("type", ""))
    if action is None and (action_id or kind is None):
        raise NotFound
    step, action = sent_step(request.POST, process, kind, action_id)
    is_new = not action_id

    def save() -> Any:
        require_complete(step, action, kind)
        changed = editing.put(process, step, action, is_new=is_new)
        return _saved(request, stored, changed)

    saved, problems = attempt(save)
    if saved is None:
        form = form_of(step, action, kind, is_new=is_new)
        return _page(request, owner, form, problems)
    messages.success(request, f"The step {action.name} was {'added' if is_new else 'saved'}.")
    if said := warnings_of_step(request, owner, step, action, kind):
        messages.warning(request, f"Look at {action.name} again. {' '.join(said)}")
    return go(request, owner.path)


@require_POST
@page(Permission.ProcessEdit)
def step_change(request: PageRequest, project: str) -> HttpResponse:
    """Move, disable, enable or remove a step."""
    return change_step(request, owner_of(request, project))


def change_step(request: PageRequest, owner: ProcessOwner) -> HttpResponse:
    """Move, disable, enable or remove a step of a project or a runbook."""
    stored = owner.stored
    action_id, what = request.POST.get("step", ""), request.POST.get("what", "")
    process = read_process(stored)
    changed = _changed(process, action_id, what)
    if changed is None:
        raise NotFound
    _, problems = attempt(lambda: _saved(request, stored, changed))
    if problems:
        messages.error(request, problems.errors[0])
    elif what == "remove":
        messages.success(request, "The step was removed.")
    return go(request, f"{owner.path}#step-{action_id}")


def _saved(request: PageRequest, stored: DeploymentProcess, changed: Process) -> DeploymentProcess:
    """Save what the form has made of the process, with the note that it brings."""
    return save_process(
        actor=request.actor,
        row=stored,
        process=changed,
        version=_version(request),
        note=request.POST.get("change_note", ""),
    )


def _changed(process: Process, action_id: str, what: str) -> Process | None:
    if process.action(action_id) is None:
        return None
    if what in {"up", "down"}:
        return editing.moved(process, action_id, -1 if what == "up" else 1)
    if what in {"enable", "disable"}:
        return editing.switched(process, action_id, is_disabled=what == "disable")
    return editing.removed(process, action_id) if what == "remove" else None


def _version(request: PageRequest) -> int:
    number = whole_number(request.POST.get("version"))
    if number is None:
        raise Invalid(STALE)
    return number


def _history(request: PageRequest, stored: DeploymentProcess) -> str:
    """Return the address of all changes of the process; empty for who may not read events."""
    if not request.grants.allows(Permission.EventView):
        return ""
    return f"/app/{request.space.public_id}/administration/audit?about={stored.public_id}"


def _stored_form(process: Process, action_id: str) -> StepForm:
    step, action = editing.step_of(process, action_id), process.action(action_id)
    if step is None or action is None:
        raise NotFound
    return form_of(step, action, find_step_kind(action.action_type))


def _page(
    request: PageRequest,
    owner: ProcessOwner,
    form: StepForm | None,
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    stored, project = owner.stored, owner.project
    process = read_process(stored)
    environments = list(Environment.objects.in_space(request.space))
    names = {row.public_id: row.name for row in environments}
    kinds = {kind.action_type: kind for kind in step_kinds()}
    values = {
        **_frame(request, owner),
        "groups": process_groups(process, kinds, names),
        "steps": len(process.steps),
        "disabled": sum(action.is_disabled for _, action in process.actions()),
        "version": request.POST.get("version") or stored.version,
        "form": form,
        "may_compare": owner.runbook is None
        and allows_on(request.actor, project, Permission.ReleaseView),
        "may_edit": owner.may_edit(request),
        "stored_version": stored.version,
        "last_note": stored.notes.first(),
        "history": _history(request, stored),
        "change_note": request.POST.get("change_note", ""),
        "is_stale": STALE in problems.errors,
    }
    if form is not None:
        values["findings_of"] = findings_of_form(request, owner, form)
        values |= _choices(request, project, process, form, environments)
        if owner.runbook is not None:
            values["channels"] = ()  # a run has no channel
    return show(request, "projects/process.html", values, problems)


def _frame(request: PageRequest, owner: ProcessOwner) -> dict[str, Any]:
    return {
        **project_frame(request, owner.project, owner.here),
        "process_base": f"/app/{request.space.public_id}/{owner.path}",
        "runbook": owner.runbook,
        "runbook_path": f"/runbooks/{owner.runbook.public_id}" if owner.runbook else "",
        "process_path": owner.path.partition(owner.project.public_id)[2],
    }


def _choices(
    request: PageRequest,
    project: Project,
    process: Process,
    form: StepForm,
    environments: list[Environment],
) -> dict[str, Any]:
    kinds = {field.setting.kind for field in form.main}
    may_pick = request.grants.allows_anywhere(Permission.BuiltInFeedDownload)
    packages = package_ids(request.space)[:_MOST_SUGGESTED] if may_pick else []
    projects = _other_projects(request, project) if "project" in kinds else []
    is_first = not process.steps or (
        bool(form.action.id) and process.steps[0].actions[0].id == form.action.id
    )
    return {
        "environments": environments,
        "try_targets": Machine.objects.visible_to(
            request.actor, request.space, Permission.MachineView
        )[:_MOST_SUGGESTED],
        "channels": channels_of(project),
        "tenant_tags": _tags(request, form),
        "pools": WorkerPool.objects.in_space(request.space),
        "known_roles": visible_roles(request.actor, request.space),
        "packages": list(packages) if "package" in kinds else [],
        "feeds": _feeds(request, form) if "package" in kinds else [],
        "projects": projects,
        "project_ids": [row.public_id for row in projects],
        "teams": list(teams_visible_to(request.actor, request.space)) if "teams" in kinds else [],
        "may_run_in_parallel": not is_first,
    }


def _feeds(request: PageRequest, form: StepForm) -> list[tuple[str, str]]:
    """Return id and name of the feeds to choose from, where there is more than the built-in one.

    A feed that is gone, or an expression, stays as it is.
    """
    rows = Feed.objects.visible_to(request.actor, request.space, Permission.FeedView)
    feeds = [(BUILT_IN, "Built-in feed")]
    feeds += [(feed.public_id, feed.name) for feed in rows if not feed.is_built_in]
    chosen = find_feed(request.space, form.feed_id)
    if chosen is None:
        feeds.append((form.feed_id, form.feed_id))
    return feeds if len(feeds) > 1 else []


def _tags(request: PageRequest, form: StepForm) -> list[str]:
    """Return the tags that a step may be for, with those that are gone but still named."""
    return list(dict.fromkeys((*tenant_tags_of(request.space), *form.action.tenant_tags)))


def _other_projects(request: PageRequest, project: Project) -> list[Project]:
    rows = Project.objects.visible_to(request.actor, request.space, Permission.ProjectView)
    return list(rows.exclude(pk=project.pk).order_by("name"))
