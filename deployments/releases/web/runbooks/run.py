"""Running a runbook: where, for whom, which snapshot, the choices, with the plans to see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_GET, require_http_methods

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid, NotFound
from deployments.base.participation import Participation
from deployments.projects.models import Runbook
from deployments.projects.runbooks import runbook_document
from deployments.releases.models import RunbookRun, RunbookSnapshot
from deployments.releases.options import DeploymentOptions
from deployments.releases.preview import PlannedAction
from deployments.releases.prompts import Prompt, prompts_for
from deployments.releases.queries import find_snapshot, published_snapshot, snapshots_of
from deployments.releases.services.choices import uses_guided_failure
from deployments.releases.services.exact_plan import ExactPlan, exact_plan
from deployments.releases.services.planning import plan_of
from deployments.releases.services.several import (
    create_runbook_runs,
    with_answers_of,
)
from deployments.releases.web.deploy import answer_of, options_of, shown_choices, targets_of
from deployments.releases.web.redeploy import choices_of
from deployments.releases.web.runbooks.pages import runbook_frame, runbook_of
from deployments.releases.web.runbooks.places import (
    ConnectedTenant,
    RunLane,
    connected_tenants,
    environment_rows,
    run_lanes,
)
from deployments.releases.web.several.choosing import Chosen, chosen_among
from deployments.releases.web.several.plans import (
    MOST_NAMED,
    MOST_PLANS,
    SharedPlan,
    prompts_of_all,
    shared_plans,
)
from deployments.releases.web.several.shown import check_shown, mark_of
from tenants.queries import tenant_of, tenant_scope

_MOST_SNAPSHOTS: Final = 50


@require_http_methods(["GET", "POST"])
@page(Permission.RunbookRunCreate)
def runbook_run(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Choose, look at the plans, run in all of the places or in none."""
    row = runbook_of(request, project, runbook)
    sent = request.POST if request.method == "POST" else _asked(request, row)
    snapshot = _snapshot(request, row, sent.get("snapshot", ""))
    mode = Participation(runbook_document(row.settings)["MultiTenancyMode"])
    tenants = connected_tenants(request, row) if mode.allows_tenants else []
    chosen = chosen_among(request, tenants, mode, sent)
    lanes = run_lanes(request, row, chosen.lanes)
    going = [lane for lane in lanes if not (lane.why_not and chosen.leaves_out)]
    shown = _Page(request, row, snapshot, mode, chosen, lanes, going, sent)
    if request.method == "GET" or "preview" in request.POST or snapshot is None:
        return shown.answer()
    runs, problems = attempt(lambda: shown.create(snapshot))
    if runs is None:
        return shown.answer(problems)
    if len(runs) == 1:
        messages.success(request, f"{row.name} was queued in {going[0].place}.")
        return go(request, f"tasks/ServerTasks-{runs[0].task_id}")
    names = ", ".join(str(lane.place) for lane in going)
    where = names if len(runs) <= MOST_NAMED else f"{len(runs)} places"
    messages.success(request, f"{row.name} was queued in {where}.")
    return go(request, f"projects/{row.project.public_id}/runbooks/{row.public_id}")


@require_GET
@page(Permission.RunbookRunView)
def run_redirect(request: PageRequest, run: str) -> HttpResponse:
    """Send people to the task that carries the run out."""
    row = find(request, RunbookRun, run, Permission.RunbookRunView)
    return go(request, f"tasks/ServerTasks-{row.task_id}")


def _asked(request: PageRequest, row: Runbook) -> QueryDict:
    """Return what the address chooses: places, or those and the choices of an earlier run."""
    if not request.GET.get("again"):
        return request.GET
    run = find(request, RunbookRun, request.GET["again"], Permission.RunbookRunView)
    if run.runbook_id != row.pk:
        raise NotFound
    place = f"Environments-{run.environment_id}"
    tenant = tenant_scope(tenant_of(request.space, run.tenant_number))
    sent = choices_of(run, prompts_for(run.snapshot, environment=place, tenant=tenant))
    sent["environment"], sent["snapshot"] = place, f"RunbookSnapshots-{run.snapshot_id}"
    sent["tenant" if tenant else "nobody"] = tenant.public_id if tenant else "1"
    return sent


def _snapshot(request: PageRequest, row: Runbook, wanted: str) -> RunbookSnapshot | None:
    """Return the snapshot of the address, else what is published; drafts are for editors."""
    published = published_snapshot(row)
    if not wanted or (published is not None and wanted == published.public_id):
        return published
    found = find_snapshot(snapshots_of(row), wanted)
    if found is None:
        raise NotFound
    return found if allows_on(request.actor, row, Permission.RunbookEdit) else published


@dataclass(frozen=True, slots=True)
class _Page:
    """Everything that the page shows, and the runs that it makes."""

    request: PageRequest
    runbook: Runbook
    snapshot: RunbookSnapshot | None
    mode: Participation
    chosen: Chosen[ConnectedTenant]
    lanes: Sequence[RunLane]
    going: Sequence[RunLane]
    sent: QueryDict

    def create(self, snapshot: RunbookSnapshot) -> list[RunbookRun]:
        """Queue the runs."""
        check_shown(self.going, self.sent)
        options = options_of(self.sent, prompts_of_all(snapshot, self.going))
        by_place = {lane.place: lane for lane in self.going}
        planned = {lane.place: self._planned(snapshot, lane) for lane in self.going}
        return create_runbook_runs(
            actor=self.request.actor,
            runbook=self.runbook,
            snapshot=snapshot,
            places=list(by_place),
            options=lambda place: _options_there(
                snapshot, by_place[place], options, planned[place]
            ),
        )

    def answer(self, problems: Problems = NO_PROBLEMS) -> HttpResponse:
        """Return the page."""
        snapshot, sent = self.snapshot, self.sent
        may_edit = allows_on(self.request.actor, self.runbook, Permission.RunbookEdit)
        every = snapshots_of(self.runbook)
        possible = [lane for lane in self.going if not lane.why_not]
        values: dict[str, Any] = {
            **runbook_frame(self.request, self.runbook),
            "snapshot": snapshot,
            "snapshots": (every if may_edit else every.filter(is_published=True))[:_MOST_SNAPSHOTS],
            "chosen": self.chosen,
            "chosen_places": {row.pk for row in self.chosen.places},
            "environments": environment_rows(
                self.request,
                self.runbook,
                self.chosen.environments,
                for_tenants=self.mode.allows_tenants,
            ),
            "is_for_tenants": self.mode.allows_tenants,
            "may_be_nobody": self.mode.allows_untenanted,
            "lanes": self.lanes,
            "going": self.going,
            "possible": possible,
            "shown": mark_of(possible),
            "refused": [lane for lane in self.lanes if lane.why_not],
            "sent": sent,
            "noun": "run",
            "now": utc_now(),
        }
        if snapshot is not None:
            values |= self._of_snapshot(snapshot)
        return show(self.request, "releases/runbooks/run.html", values, problems)

    def _of_snapshot(self, snapshot: RunbookSnapshot) -> dict[str, Any]:
        possible = [lane for lane in self.going if not lane.why_not]
        prompts = prompts_of_all(snapshot, self.going)
        steps: dict[str, PlannedAction] = {}
        for lane in possible[:MOST_PLANS]:
            for action in self._planned(snapshot, lane):
                known = steps.setdefault(action.action_id, action)
                found = {target.id: target for target in (*known.targets, *action.targets)}
                steps[action.action_id] = replace(known, targets=tuple(found.values()))
        first = possible[0].environment if possible else None
        return {
            "planned": list(steps.values()),
            "targets": targets_of(list(steps.values())),
            **shown_choices(list(steps.values()), self.sent),
            "prompts": [
                (prompt, *answer_of(self.request, prompt, self.sent)) for prompt in prompts
            ],
            "asks_by_default": first is not None
            and uses_guided_failure(snapshot, first, wish=None),
            "plans": self._plans(snapshot, prompts, possible[:MOST_PLANS]),
            "unplanned": possible[MOST_PLANS:],
        }

    def _planned(self, snapshot: RunbookSnapshot, lane: RunLane) -> tuple[PlannedAction, ...]:
        skipped = self.sent.getlist("skip")
        viewer = self.request.actor
        return plan_of(
            snapshot, lane.environment, tenant=lane.scope, skipped=skipped, viewer=viewer
        )

    def _plans(
        self, snapshot: RunbookSnapshot, prompts: Sequence[Prompt], lanes: Sequence[RunLane]
    ) -> list[SharedPlan[RunLane]]:
        def planned(lane: RunLane) -> ExactPlan:
            try:
                options = options_of(self.sent, prompts)
                own = _options_there(snapshot, lane, options, self._planned(snapshot, lane))
            except Invalid:
                own = DeploymentOptions()  # what is wrong is said when the form is sent
            return exact_plan(
                snapshot, lane.environment, own, viewer=self.request.actor, tenant=lane.scope
            )

        return shared_plans(lanes, planned)


def _options_there(
    snapshot: RunbookSnapshot,
    lane: RunLane,
    options: DeploymentOptions,
    planned: Sequence[PlannedAction],
) -> DeploymentOptions:
    """Return the choices as far as they are about the place; raises Invalid.

    One form chooses for all places: each has targets, steps and prompts of its own.
    """
    here = {target.id for target in targets_of(planned)}
    steps = {action.action_id for action in planned}
    only = tuple(number for number in options.specific_machines if number in here)
    if options.specific_machines and not only and not options.specific_tags:
        raise Invalid(f"None of the marked targets is in the environment '{lane.environment}'.")
    own = replace(
        options,
        specific_machines=only,
        excluded_machines=tuple(n for n in options.excluded_machines if n in here),
        skip_actions=tuple(number for number in options.skip_actions if number in steps),
    )
    return with_answers_of(snapshot, lane.environment, own, lane.scope)
