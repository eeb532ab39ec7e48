"""The page of a task: what happened, the decision, the grid, the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on, scope_values
from deployments.access.queries import team_names
from deployments.access.web.forms import show
from deployments.access.web.pages import PageRequest, find, page
from deployments.access.web.who_can import who_has
from deployments.base.clock import utc_now
from deployments.execution.logs.chunks import LogUnavailable
from deployments.execution.logs.lines import NOTABLE_LEVELS
from deployments.execution.logs.queries import Line, last_lines_of, log_lines, task_lines
from deployments.execution.logs.search import Found, search_log
from deployments.execution.models import ActionExecution, Artifact, ExecutionPlan, Interruption
from deployments.execution.plan import Plan, plan_from_json
from deployments.execution.services.interruptions import choices_of, may_act
from deployments.execution.web.board import Branch, Group, make_grid, make_tree
from deployments.execution.web.family import family_of
from deployments.execution.web.lines import excerpt, lines_html
from deployments.execution.web.outputs import outputs_on_page
from deployments.execution.web.subjects import Subject, names_of, subjects_of
from deployments.execution.web.task_log import executions_of
from deployments.execution.web.waits import waits_of
from deployments.releases.changes.queries import places_now
from deployments.releases.changes.story import story_of
from deployments.releases.models import Deployment, RunbookRun
from deployments.releases.services.runbook_runs import KIND as RUN
from deployments.server_tasks.kinds import may_rerun
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.queries import queued_behind
from deployments.server_tasks.services.administer import CORRECTIONS
from deployments.server_tasks.services.cancel import may_be_abandoned
from deployments.server_tasks.states import TaskState

SHOWN_LINES = 500
_MOST_OPEN = 20
_ALL_BELOW = 2000
_EXCERPTS = 3
# Answer -> label and look.
_BUTTONS = {
    "Proceed": ("Proceed with the deployment", "button-primary"),
    "Abort": ("Abort", "button-danger"),
    "Retry": ("Retry", "button-primary"),
    "Ignore": ("Ignore the failure", ""),
    "Exclude": ("Exclude the machine", ""),
    "Fail": ("Fail the deployment", "button-danger"),
}


@require_GET
@page(Permission.TaskView)
def task_page(request: PageRequest, task: str) -> HttpResponse:
    """Show a task; with `part=state` only what changes while it runs."""
    row = find(request, ServerTask, task, Permission.TaskView)
    row.space = request.space
    now = utc_now()
    executions = executions_of(row)
    plan = _plan(row)
    tree = make_tree(plan, executions, ended=row.is_completed, now=now)
    subject = subjects_of(request.actor, request.space, [row])[0]
    groups = [group for branch in tree for group in branch.groups]
    values: dict[str, Any] = {
        "task": row,
        "subject": subject,
        "family": family_of(request, row, executions),
        "tree": tree,
        "grid": make_grid(plan, executions, ended=row.is_completed, now=now),
        "took": (row.completed or now) - row.started if row.started else None,
        "ahead": queued_behind(row).count(),
        "state": _state(row),
        "questions": _questions(request, row),
        "artifacts": _artifacts(request, row),
        "step_now": _step_now(tree),
        **outputs_on_page(request, row, executions),
        **_of_run(request, row),
        **_rights(request, row, subject, now),
        "waits": waits_of(row, plan, executions, now=now),
        "corrections": CORRECTIONS,
        "rolls_back_to": _before(request, subject),
    }
    is_part = request.GET.get("part") == "state"
    try:
        values["failures"] = _failures(row, groups)
        values |= {} if is_part else _log(request, row, groups)
    except LogUnavailable as error:
        values |= {
            "log_problem": error.message,
            "nodes": [_node(each, None, "") for each in groups],
        }
    if is_part:
        return show(request, "execution/_task_state.html", values)
    if subject.deployment is not None:
        values["story"] = story_of(subject.deployment, request.actor)
    answer = show(request, "execution/task.html", values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _of_run(request: PageRequest, task: ServerTask) -> dict[str, Any]:
    """Return the run of a runbook that the task carries out, if the reader may see it."""
    if task.kind != RUN:
        return {}
    runs = RunbookRun.objects.visible_to(request.actor, request.space, Permission.RunbookRunView)
    run = runs.filter(task=task).select_related("runbook", "environment", "project").first()
    if run is None:
        return {}
    run.space = request.space
    may_run = task.is_completed and allows_on(request.actor, run, Permission.RunbookRunCreate)
    return {"run": run, "may_run_again": may_run}


def _plan(task: ServerTask) -> Plan | None:
    rows = ExecutionPlan.objects.in_space(task.space).filter(task=task)
    document = rows.values_list("document", flat=True).first()
    return plan_from_json(document) if document else None


def _state(task: ServerTask) -> str:
    """Return the state to show; a success with warnings says so."""
    if task.state == TaskState.SUCCESS and task.has_warnings_or_errors:
        return "SuccessWithWarning"
    return str(task.state)


def _rights(
    request: PageRequest, task: ServerTask, subject: Subject, now: datetime
) -> dict[str, bool]:
    deployment = subject.deployment

    def allows(permission: Permission) -> bool:
        return allows_on(request.actor, task, permission)

    return {
        "may_cancel": not task.is_completed and allows(Permission.TaskCancel),
        "may_abandon": may_be_abandoned(task, now=now),
        "may_prioritize": task.state == TaskState.QUEUED
        and not task.is_moved_to_top
        and allows(Permission.TaskPrioritize),
        "may_correct": task.state in CORRECTIONS and allows(Permission.TaskEdit),
        # The dialog waits on the page for the end of the task.
        "may_edit_task": allows(Permission.TaskEdit),
        "may_add_artifacts": allows(Permission.ArtifactCreate),
        "may_delete_artifacts": task.is_completed and allows(Permission.ArtifactDelete),
        "may_rerun": may_rerun(task.kind, is_completed=task.is_completed)
        and allows(Permission.TaskCreate),
        "may_redeploy": task.is_completed
        and deployment is not None
        and allows_on(request.actor, deployment, Permission.DeploymentCreate),
    }


def _before(request: PageRequest, subject: Subject) -> str:
    """Return the version to go back to when what is there now failed; empty when there is none."""
    deployment = subject.deployment
    if deployment is None or subject.task.state not in {TaskState.FAILED, TaskState.TIMED_OUT}:
        return ""
    if not allows_on(request.actor, deployment, Permission.DeploymentCreate):
        return ""
    lane = (deployment.environment_id, deployment.tenant_number)
    rows = Deployment.objects.visible_to(request.actor, request.space, Permission.DeploymentView)
    here = places_now(rows, deployment.release, [lane]).get(lane)
    if here is None or here.now.newest != deployment.pk or here.before is None:
        return ""
    return here.before.version


def _step_now(tree: Sequence[Branch]) -> str:
    """Return where a running task is: step 2 of 5."""
    running = [
        number for number, branch in enumerate(tree, 1) if branch.state in {"Running", "Waiting"}
    ]
    return f"step {running[0]} of {len(tree)}" if running else ""


def _failures(task: ServerTask, groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Return the failed nodes with the lines that say why."""
    failed = [group for group in groups if group.is_failed and group.is_open][:_EXCERPTS]
    if not failed:
        return []
    lines = last_lines_of(
        [group.execution for group in failed], SHOWN_LINES, up_to=task.last_event_number
    )
    return [
        {
            "group": group,
            "lines": lines_html(
                f"exec-{group.execution.pk}", excerpt(lines[group.execution.pk]), anchors=False
            ),
        }
        for group in failed
    ]


def _questions(request: PageRequest, task: ServerTask) -> list[dict[str, Any]]:
    """Return the pending questions that the reader may see, and whether they may answer."""
    rows = Interruption.objects.in_space(request.space).filter(task=task).order_by("id")
    pending = [row for row in rows.select_related("execution") if row.is_pending]
    names = names_of(row.responsible_user_id for row in pending)
    for row in pending:
        row.space, row.task = request.space, task
    return [
        {
            "row": row,
            "may_act": may_act(request.actor, row),
            "buttons": [(name, *_BUTTONS[name]) for name in choices_of(row)],
            "is_mine": row.responsible_user_id == request.actor.public_id,
            "responsible": names.get(row.responsible_user_id, row.responsible_user_id),
            "whom_to_ask": "" if may_act(request.actor, row) else _whom_to_ask(request, row),
        }
        for row in pending
        if may_act(request.actor, row) or allows_on(request.actor, row, Permission.InterruptionView)
    ]


def _whom_to_ask(request: PageRequest, row: Interruption) -> str:
    """Say who can answer a question that the reader cannot."""
    who = who_has(request, Permission.InterruptionSubmit, **scope_values(row))
    if not row.responsible_team_ids:
        return f"You need the permission InterruptionSubmit. {who}"
    teams = ", ".join(team_names(row.responsible_team_ids))
    return (
        f"The responsible teams can answer: {teams}. So can who has InterruptionSubmit there. {who}"
    )


def _artifacts(request: PageRequest, task: ServerTask) -> list[Artifact]:
    if not allows_on(request.actor, task, Permission.ArtifactView):
        return []
    rows = Artifact.objects.in_space(request.space).filter(task=task, blob__isnull=False)
    return list(rows.select_related("execution").order_by("execution__step_number", "id"))


def _log(request: PageRequest, task: ServerTask, groups: Sequence[Group]) -> dict[str, Any]:
    """Return the log nodes with the lines that the page shows at once."""
    total = sum(group.execution.line_count for group in groups)
    node, first = request.GET.get("node", ""), request.GET.get("first", "")
    rendered = [
        group
        for group in groups
        if group.is_open or total <= _ALL_BELOW or node == str(group.execution.pk)
    ]
    rendered = rendered[:_MOST_OPEN] + [
        group for group in rendered[_MOST_OPEN:] if node == str(group.execution.pk)
    ]
    executions = [group.execution for group in rendered]
    lines = last_lines_of(executions, SHOWN_LINES, up_to=task.last_event_number)
    for row in executions:
        if node == str(row.pk) and first.isascii() and first.isdigit():
            start = max(1, int(first[:12]) - SHOWN_LINES // 2)
            lines[row.pk] = log_lines(row, first=start, count=SHOWN_LINES)
    own = [line for line in task_lines(task) if line.number <= task.last_event_number]
    text, within, level = (request.GET.get(name, "").strip() for name in ("find", "in", "level"))
    found = Found(())
    if text:
        every = [group.execution for group in groups]
        levels = NOTABLE_LEVELS if level == "notable" else ()
        place = request.GET.get("from", "")
        found = search_log(task, every, text, node=within, levels=levels, start=place)
    return {
        "nodes": [_node(group, lines.get(group.execution.pk), node) for group in groups],
        "own_lines": lines_html("task", own),
        "found": found,
        "find": text,
        "within": within,
        "find_level": level,
    }


def _node(group: Group, lines: list[Line] | None, asked: str) -> dict[str, Any]:
    execution: ActionExecution = group.execution
    first = lines[0].number if lines else execution.line_count + 1
    earlier = first - 1 if lines is not None else execution.line_count
    return {
        "group": group,
        "html": lines_html(f"exec-{execution.pk}", lines or ()) if lines else SafeString(""),
        "earlier": earlier,
        "start": max(1, first - SHOWN_LINES // 2),
        "is_open": group.is_open or asked == str(execution.pk),
        "is_loaded": lines is not None,
    }
