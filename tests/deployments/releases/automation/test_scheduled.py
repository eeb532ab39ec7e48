"""Scheduled triggers: once each, made up for once, and what they deploy."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.library.services import VariableInput
from deployments.projects.models import ProjectTrigger
from deployments.projects.services.triggers import (
    TriggerInput,
    set_trigger_disabled,
    update_trigger,
)
from deployments.releases.models import Deployment, Release
from deployments.releases.services.automation.scheduled import run_due_schedules
from deployments.releases.services.defects import report_defect
from tests.factories import SYSTEM
from tests.factories.automation import decisions, make_trigger
from tests.factories.domain import (
    make_channel,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.execution import SettableClock

START = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
NIGHTLY = {
    "FilterType": "OnceDailySchedule",
    "StartTime": "2026-01-01T02:30:00.000",
    "Timezone": "Europe/Berlin",
}

pytestmark = pytest.mark.django_db


class Plan:
    """A project that goes from Staging to Production, and a clock."""

    def __init__(self) -> None:
        self.staging, self.production = make_environment("Staging"), make_environment("Production")
        self.project = make_project(
            lifecycle=make_lifecycle(self.staging, self.production), steps=[script_step()]
        )
        self.clock = SettableClock()
        self.clock.now = START

    def latest(self, **more: Any) -> ProjectTrigger:
        action = {
            "ActionType": "DeployLatestRelease",
            "SourceEnvironmentIds": [self.staging.public_id],
            "DestinationEnvironmentId": self.production.public_id,
            **more,
        }
        return make_trigger(self.project, NIGHTLY, action, clock=self.clock)

    def run(self, at: datetime) -> int:
        self.clock.now = at
        return run_due_schedules(clock=self.clock)

    def made(self) -> list[tuple[str, str]]:
        rows = Deployment.objects.in_space(self.project.space).order_by("pk")
        return list(rows.values_list("release__version", "environment__name"))


@pytest.fixture
def plan() -> Plan:
    return Plan()


def test_it_runs_once_in_the_night_that_leaps_over_its_time(plan: Plan) -> None:
    make_deployment(make_release(plan.project, "1.0.0"), plan.staging, state="Success")
    trigger = plan.latest()
    assert trigger.next_run == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert plan.run(datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)) == 0
    assert plan.run(datetime(2026, 3, 29, 1, 0, 3, tzinfo=UTC)) == 1
    assert plan.run(datetime(2026, 3, 29, 1, 0, 8, tzinfo=UTC)) == 0
    assert plan.made() == [("1.0.0", "Staging"), ("1.0.0", "Production")]
    trigger.refresh_from_db()
    assert trigger.next_run == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
    assert decisions(plan.project) == [
        ("Deployed", "1.0.0, current in Staging, is deployed to Production.")
    ]


@pytest.mark.parametrize(
    ("first", "runs"),
    [
        ("2026-03-28", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
        ("2026-10-24", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
    ],
    ids=["clocks leap over it", "clocks show it twice"],
)
def test_a_clock_that_ticks_through_changes_sees_one_run_a_night(
    plan: Plan, first: str, runs: list[str]
) -> None:
    """Moments in UTC: 02:30 in Berlin is 01:30 in winter, 00:30 in summer, and may be missing."""
    make_deployment(make_release(plan.project), plan.staging, state="Success")
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    plan.clock.now = start
    trigger = plan.latest()
    ran = []
    for quarters in range(3 * 24 * 4):
        moment = start + timedelta(minutes=15 * quarters)
        if plan.run(moment):
            ran.append(f"{moment:%m-%d %H:%M}")
    assert ran == runs
    assert trigger.decisions.filter(outcome="Deployed").count() == len(runs)


def test_what_was_missed_is_made_up_for_once(plan: Plan) -> None:
    make_deployment(make_release(plan.project), plan.staging, state="Success")
    trigger = plan.latest()
    assert plan.run(datetime(2026, 4, 3, 12, 0, tzinfo=UTC)) == 1
    assert plan.run(datetime(2026, 4, 3, 12, 0, 5, tzinfo=UTC)) == 0
    trigger.refresh_from_db()
    assert trigger.next_run == datetime(2026, 4, 4, 0, 30, tzinfo=UTC)
    cause = trigger.decisions.get().cause
    assert cause == "Planned for 2026-03-29 01:00:00 UTC, made up for once 7860 minutes later"


def test_the_newest_success_in_the_source_counts(plan: Plan) -> None:
    for version in ("1.0.0", "3.0.0", "2.0.0"):
        make_deployment(make_release(plan.project, version), plan.staging, state="Success")
    make_deployment(make_release(plan.project, "4.0.0"), plan.staging, state="Failed")
    plan.latest()
    plan.run(START + timedelta(days=1))
    assert plan.made()[-1] == ("2.0.0", "Production")


def test_the_channel_limits_the_choice(plan: Plan) -> None:
    beta = make_channel(plan.project, "Beta")
    make_deployment(
        make_release(plan.project, "1.0.0", channel=beta), plan.staging, state="Success"
    )
    make_deployment(make_release(plan.project, "2.0.0"), plan.staging, state="Success")
    plan.latest(ChannelId=beta.public_id)
    plan.run(START + timedelta(days=1))
    assert plan.made()[-1] == ("1.0.0", "Production")


def test_what_is_current_is_deployed_again_only_if_wanted(plan: Plan) -> None:
    release = make_release(plan.project, "1.0.0")
    make_deployment(release, plan.staging, state="Success")
    make_deployment(release, plan.production, state="Success")
    plan.latest(ShouldRedeployWhenReleaseIsCurrent=False)
    plan.run(START + timedelta(days=1))
    assert decisions(plan.project) == [("Nothing", "1.0.0 is current in Production already.")]


def test_without_a_source_the_newest_that_the_lifecycle_admits_is_taken(plan: Plan) -> None:
    make_deployment(make_release(plan.project, "1.0.0"), plan.staging, state="Success")
    make_release(plan.project, "2.0.0")
    plan.latest(SourceEnvironmentIds=[])
    plan.run(START + timedelta(days=1))
    assert plan.made()[-1] == ("1.0.0", "Production")


def test_prompts_are_answered_and_what_is_missing_is_said(plan: Plan) -> None:
    prompt = {"label": "Why", "required": True}
    make_variables(plan.project, VariableInput("Reason", "", prompt=prompt))
    release = make_release(plan.project, "1.0.0")
    make_deployment(release, plan.staging, state="Success", form_values={"Reason": "by hand"})
    trigger = plan.latest()
    plan.run(START + timedelta(days=1))
    trigger.action = {**trigger.action, "Variables": '{"Reason": "nightly"}'}
    trigger.save(update_fields=["action"])
    plan.run(START + timedelta(days=2))
    assert [outcome for outcome, _ in decisions(plan.project)] == ["Refused", "Deployed"]
    made = Deployment.objects.in_space(plan.project.space).order_by("pk").last()
    assert made is not None
    assert made.options["form_values"] == {"Reason": "nightly"}


def test_nothing_to_deploy_is_said(plan: Plan) -> None:
    plan.latest()
    plan.run(START + timedelta(days=1))
    assert decisions(plan.project) == [
        ("Nothing", "No release has been deployed to Staging successfully.")
    ]


def test_a_new_release_is_created_and_deployed(plan: Plan) -> None:
    action = {"ActionType": "DeployNewRelease", "EnvironmentId": plan.staging.public_id}
    make_trigger(plan.project, NIGHTLY, action, clock=plan.clock)
    plan.run(START + timedelta(days=1))
    release = Release.objects.in_space(plan.project.space).get()
    assert plan.made() == [(release.version, "Staging")]
    assert decisions(plan.project) == [
        ("Created", f"{release.version} was created."),
        ("Deployed", f"{release.version}, just created, is deployed to Staging."),
    ]


def test_a_release_that_may_not_go_there_stays_and_says_why(plan: Plan) -> None:
    action = {"ActionType": "DeployNewRelease", "EnvironmentId": plan.production.public_id}
    make_trigger(plan.project, NIGHTLY, action, clock=plan.clock)
    plan.run(START + timedelta(days=1))
    (created, _), (outcome, reason) = decisions(plan.project)
    assert (created, outcome) == ("Created", "Refused")
    assert ", just created, was not deployed to Production: " in reason


def test_a_blocked_release_is_not_deployed(plan: Plan) -> None:
    release = make_release(plan.project, "1.0.0")
    make_deployment(release, plan.staging, state="Success")
    report_defect(actor=SYSTEM, release=release, description="Loses orders")
    plan.latest()
    plan.run(START + timedelta(days=1))
    assert plan.made() == [("1.0.0", "Staging")]
    [(outcome, reason)] = decisions(plan.project)
    assert (outcome, "its progression is prevented" in reason) == ("Refused", True)


def test_a_pause_is_not_made_up_for(plan: Plan) -> None:
    trigger = plan.latest()
    set_trigger_disabled(actor=SYSTEM, row=trigger, is_disabled=True, clock=plan.clock)
    assert trigger.next_run is None
    assert plan.run(START + timedelta(days=3)) == 0
    set_trigger_disabled(actor=SYSTEM, row=trigger, is_disabled=False, clock=plan.clock)
    assert trigger.next_run == datetime(2026, 4, 1, 0, 30, tzinfo=UTC)


def test_an_edit_of_something_else_leaves_the_next_time(plan: Plan) -> None:
    trigger = plan.latest()
    before = trigger.next_run
    plan.clock.now = START + timedelta(days=5)
    renamed = TriggerInput("Another name", trigger.filter, trigger.action)
    update_trigger(actor=SYSTEM, row=trigger, trigger=renamed, clock=plan.clock)
    assert trigger.next_run == before
    later = {**NIGHTLY, "StartTime": "2026-01-01T03:30:00.000"}
    update_trigger(
        actor=SYSTEM,
        row=trigger,
        trigger=TriggerInput("Another name", later, trigger.action),
        clock=plan.clock,
    )
    assert trigger.next_run == datetime(2026, 4, 3, 1, 30, tzinfo=UTC)


def test_one_that_breaks_stops_no_other(plan: Plan) -> None:
    broken = plan.latest()
    ProjectTrigger.objects.in_space(plan.project.space).update(action={"ActionType": "Broken"})
    action = {"ActionType": "DeployNewRelease", "EnvironmentId": plan.staging.public_id}
    make_trigger(plan.project, NIGHTLY, action, name="Good", clock=plan.clock)
    assert plan.run(START + timedelta(days=1)) == 2
    assert broken.decisions.get().outcome == "Refused"
    assert "KeyError" in broken.decisions.get().reason
    assert len(plan.made()) == 1
    assert plan.run(START + timedelta(days=1, seconds=5)) == 0
