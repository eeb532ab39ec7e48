"""Roll-outs to many: one deployment a transaction, each once, whatever happens between."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from deployments.base.events import record
from deployments.library.tenancy import Tenancy
from deployments.projects.models import PendingDeployment, ProjectTrigger, WaitingTarget
from deployments.projects.services.lifecycles import PhaseInput
from deployments.projects.services.triggers import set_trigger_disabled
from deployments.releases.models import Deployment
from deployments.releases.services import create_deployment
from deployments.releases.services.automation import targets
from deployments.releases.services.automation.acting import ATTEMPTS
from deployments.releases.services.automation.rollouts import continue_rollouts
from deployments.releases.services.automation.scheduled import run_due_schedules
from deployments.releases.services.editing import delete_release
from tenants.models import Tenant
from tests.deployments.execution.test_concurrency import in_threads
from tests.factories import SYSTEM
from tests.factories.automation import Stream, decisions, make_trigger
from tests.factories.domain import (
    finish,
    make_environment,
    make_lifecycle,
    make_machine,
    make_release,
    script_step,
)
from tests.factories.execution import SettableClock
from tests.factories.tenants import make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db

SIX = 6


class Crash(Exception):
    """The worker is gone."""


class Wide:
    """A release enters a phase for many tenants at once."""

    def __init__(self, tenants: int = SIX, *, plans: bool = True) -> None:
        self.dev = make_environment()
        lifecycle = make_lifecycle(PhaseInput("Build", automatic=[self.dev]))
        self.project = make_tenanted_project(lifecycle=lifecycle, steps=[script_step()])
        self.tenants = [
            make_tenant(connections={self.project: [self.dev]}) for number in range(tenants)
        ]
        self.stream = Stream()
        self.release = make_release(self.project, "1.0.0")
        if plans:
            self.stream.deliver("lifecycles")

    def served(self) -> list[int | None]:
        rows = Deployment.objects.in_space(self.project.space).filter(project=self.project)
        return list(rows.order_by("pk").values_list("tenant_number", flat=True))

    def everybody(self) -> list[int]:
        """By name, which is their order."""
        return [tenant.pk for tenant in sorted(self.tenants, key=lambda each: each.name)]


def test_a_roll_out_is_planned_at_once_and_made_bit_by_bit() -> None:
    wide = Wide()
    assert (wide.served(), PendingDeployment.objects.count()) == ([], SIX)
    assert continue_rollouts(most=2) == 2
    assert (wide.served(), PendingDeployment.objects.count()) == (wide.everybody()[:2], SIX - 2)
    assert continue_rollouts() == SIX - 2
    assert continue_rollouts() == 0
    assert wide.served() == wide.everybody()
    assert len(decisions(wide.project)) == SIX


def test_the_event_costs_the_same_for_any_number_of_tenants() -> None:
    counts = []
    for tenants in (2, 8):
        wide = Wide(tenants, plans=False)
        with CaptureQueriesContext(connection) as captured:
            wide.stream.deliver("lifecycles")
        counts.append(len(captured))
        assert PendingDeployment.objects.filter(project=wide.project).count() == tenants
    assert counts[0] == counts[1]


def test_after_a_crash_it_goes_on_and_repeats_nothing() -> None:
    wide = Wide()
    continue_rollouts(most=2)
    with pytest.raises(Crash):
        _crash_in_the_third()
    assert wide.served() == wide.everybody()[:2]
    continue_rollouts()
    assert wide.served() == wide.everybody()


@transaction.atomic
def _crash_in_the_third() -> None:
    assert continue_rollouts(most=1) == 1
    raise Crash


def test_who_got_the_release_meanwhile_is_left_alone() -> None:
    wide = Wide()
    create_deployment(
        actor=SYSTEM, release=wide.release, environment=wide.dev, tenant=wide.tenants[3]
    )
    continue_rollouts()
    assert sorted(number or 0 for number in wide.served()) == sorted(wide.everybody())
    assert [outcome for outcome, _ in decisions(wide.project)].count("Nothing") == 1


def test_a_tenant_that_is_gone_is_said_and_stops_no_other() -> None:
    wide = Wide()
    first, *others = wide.everybody()
    Tenant.objects.in_space(wide.project.space).filter(pk=first).delete()
    continue_rollouts()
    assert wide.served() == others
    assert decisions(wide.project)[0] == ("Nothing", "The tenant does not exist any more.")


def test_a_release_that_is_gone_is_said() -> None:
    wide = Wide(1)
    delete_release(actor=SYSTEM, release=wide.release)
    continue_rollouts()
    assert decisions(wide.project) == [("Nothing", "The release does not exist any more.")]


class Morning(Wide):
    """A schedule has planned a roll-out to the same tenants."""

    def __init__(self) -> None:
        super().__init__(plans=False)
        self.clock = SettableClock()
        self.trigger = make_trigger(
            self.project,
            {"FilterType": "CronExpressionSchedule", "CronExpression": "* * * * *"},
            {
                "ActionType": "DeployLatestRelease",
                "DestinationEnvironmentId": self.dev.public_id,
                "TenantIds": [tenant.public_id for tenant in self.tenants],
            },
            clock=self.clock,
        )
        self.clock.forward(61)
        run_due_schedules(clock=self.clock)

    def go_on(self) -> int:
        return continue_rollouts(clock=self.clock)


def test_a_schedule_rolls_out_in_the_same_way() -> None:
    morning = Morning()
    assert morning.served() == []
    morning.go_on()
    assert morning.served() == morning.everybody()
    assert {row.trigger for row in morning.trigger.decisions.all()} == {morning.trigger}


def test_a_pause_ends_the_roll_out() -> None:
    morning = Morning()
    continue_rollouts(most=1, clock=morning.clock)
    set_trigger_disabled(actor=SYSTEM, row=morning.trigger, is_disabled=True, clock=morning.clock)
    assert morning.go_on() == 0
    assert morning.served() == morning.everybody()[:1]


def test_one_that_breaks_is_tried_again_and_then_given_up() -> None:
    morning = Morning()
    ProjectTrigger.objects.in_space(morning.project.space).update(action={"ActionType": "Broken"})
    assert morning.go_on() == SIX
    assert morning.go_on() == 0
    assert decisions(morning.project) == []
    for _ in range(ATTEMPTS - 1):
        morning.clock.forward(61)
        morning.go_on()
    assert not PendingDeployment.objects.exists()
    ((outcome, reason),) = set(decisions(morning.project))
    assert outcome == "Refused"
    assert "KeyError" in reason


def test_a_target_that_serves_many_tenants_is_settled_bit_by_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets, "AT_ONCE", 4)
    wide = Wide()
    continue_rollouts()
    for row in Deployment.objects.in_space(wide.project.space):
        finish(row)
    make_trigger(
        wide.project,
        {"FilterType": "MachineFilter", "EventGroups": ["MachineAvailableForDeployment"]},
        {"ActionType": "AutoDeploy", "ShouldRedeployWhenMachineHasBeenDeployedTo": True},
    )
    stream, clock = Stream(), SettableClock()
    machine = make_machine(
        wide.dev, tenancy=Tenancy("Tenanted", [tenant.public_id for tenant in wide.tenants])
    )
    record(
        actor=SYSTEM,
        space=machine.space,
        category="MachineHealthy",
        message="came",
        subject=machine.public_id,
    )
    stream.deliver("target-triggers")
    for served in (4, SIX, SIX):
        clock.forward(60)
        targets.deploy_to_waiting_targets(clock=clock)
        # In the order of their numbers.
        assert wide.served()[SIX:] == sorted(wide.everybody())[:served]
    assert not WaitingTarget.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_workers_that_roll_out_together_make_each_once() -> None:
    wide = Wide()
    row = PendingDeployment.objects.first()
    assert row is not None
    row.pk = None
    # The same place from another event, such as the end of a block.
    row.save()
    in_threads(*(lambda: _ignored(continue_rollouts()) for _ in range(3)))
    continue_rollouts()
    assert sorted(number or 0 for number in wide.served()) == sorted(wide.everybody())


def _ignored(_: int) -> None:
    """Nothing: which worker made how many is chance."""
