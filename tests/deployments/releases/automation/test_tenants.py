"""Automation for tenants: each one by itself."""

from typing import Any

import pytest

from deployments.base.events import record
from deployments.infrastructure.models import Environment, Machine
from deployments.library.tenancy import Tenancy
from deployments.projects.models import WaitingTarget
from deployments.projects.services.channels import ChannelInput, update_channel
from deployments.projects.services.lifecycles import PhaseInput
from deployments.releases.models import Deployment, Release
from deployments.releases.services import create_deployment
from deployments.releases.services.automation.rollouts import continue_rollouts
from deployments.releases.services.automation.scheduled import run_due_schedules
from deployments.releases.services.automation.targets import deploy_to_waiting_targets
from tenants.models import Tenant
from tests.deployments.releases.automation.test_lifecycles import Chain
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
from tests.factories.tenants import make_tag_set, make_tenant, make_tenanted_project


def deploy(release: Release, environment: Environment, tenant: Tenant) -> Deployment:
    """Queue a deployment for a tenant."""
    return create_deployment(actor=SYSTEM, release=release, environment=environment, tenant=tenant)


pytestmark = pytest.mark.django_db


class Street(Chain):
    """The same chain for tenants: Ash and Birch in Dev and Staging, Cedar in Staging alone."""

    def __init__(self, mode: str = "Tenanted") -> None:
        self.dev, self.test = make_environment("Dev"), make_environment("Staging")
        lifecycle = make_lifecycle(
            PhaseInput("Build", automatic=[self.dev]), PhaseInput("Verify", automatic=[self.test])
        )
        self.project = make_tenanted_project(
            "Web", mode=mode, lifecycle=lifecycle, steps=[script_step()]
        )
        make_tag_set("Ring", "Early", "Late")
        both = {self.project: [self.dev, self.test]}
        self.ash = make_tenant("Ash", "Ring/Early", connections=both)
        self.birch = make_tenant("Birch", "Ring/Late", connections=both)
        self.cedar = make_tenant("Cedar", "Ring/Late", connections={self.project: [self.test]})
        self.stream = Stream()

    def made(self) -> list[tuple[str, int | None]]:
        return [(each.environment.name, each.tenant_number) for each in self.deployments()]

    def of(self, tenant: Any) -> Deployment:
        return next(each for each in self.deployments() if each.tenant_number == tenant.pk)


def test_every_tenant_enters_its_own_first_phase() -> None:
    street = Street()
    make_release(street.project)
    street.follow()
    assert street.made() == [
        ("Dev", street.ash.pk),
        ("Dev", street.birch.pk),
        ("Staging", street.cedar.pk),
    ]
    outcome, reason = decisions(street.project)[2]
    assert outcome == "Deployed"
    assert (
        reason
        == "It is deployed to Staging for Cedar, which the phase Verify deploys to by itself."
    )


def test_the_first_tenant_to_succeed_takes_no_other_with_it() -> None:
    street = Street()
    make_release(street.project)
    street.follow()
    street.succeed(street.of(street.birch))
    street.follow()
    assert street.made()[3:] == [("Staging", street.birch.pk)]


def test_the_tags_of_the_channel_choose_the_tenants() -> None:
    street = Street()
    release = make_release(street.project)
    channel = release.channel
    update_channel(
        actor=SYSTEM,
        row=channel,
        channel=ChannelInput(channel.name, extra={"TenantTags": ["Ring/Early"]}),
    )
    street.follow()
    assert street.made() == [("Dev", street.ash.pk)]


def test_with_and_without_tenants_where_the_project_allows_both() -> None:
    street = Street("TenantedOrUntenanted")
    make_release(street.project)
    street.follow()
    assert street.made()[:2] == [("Dev", None), ("Dev", street.ash.pk)]
    street.succeed(street.deployments()[0])
    street.follow()
    assert street.made()[4:] == [("Staging", None)]


class Farm:
    """A web server for each of two tenants, both with release 1.0.0 in Staging."""

    def __init__(self) -> None:
        self.staging = make_environment("Staging")
        self.project = make_tenanted_project(
            lifecycle=make_lifecycle(self.staging), steps=[script_step(roles="web")]
        )
        connected = {self.project: [self.staging]}
        self.ash, self.birch = (
            make_tenant(name, connections=connected) for name in ("Ash", "Birch")
        )
        for tenant in (self.ash, self.birch):
            self.serve(tenant)
        self.release = make_release(self.project, "1.0.0")
        for tenant in (self.ash, self.birch):
            finish(deploy(self.release, self.staging, tenant))
        make_trigger(
            self.project,
            {"FilterType": "MachineFilter", "EventGroups": ["MachineAvailableForDeployment"]},
            {"ActionType": "AutoDeploy", "ShouldRedeployWhenMachineHasBeenDeployedTo": True},
        )
        self.stream = Stream()
        self.clock = SettableClock()

    def serve(self, *tenants: Tenant) -> Machine:
        tenancy = Tenancy("Tenanted", [tenant.public_id for tenant in tenants])
        return make_machine(self.staging, tenancy=tenancy)

    def come(self, machine: Machine) -> None:
        record(
            actor=SYSTEM,
            space=machine.space,
            category="MachineHealthy",
            message="came",
            subject=machine.public_id,
        )
        self.stream.deliver("target-triggers")
        self.settle()

    def settle(self) -> None:
        self.clock.forward(60)
        deploy_to_waiting_targets(clock=self.clock)

    def made(self) -> list[int | None]:
        rows = Deployment.objects.in_space(self.project.space).order_by("pk")
        return list(rows.values_list("tenant_number", flat=True))[2:]


def test_a_target_gets_what_is_current_for_the_tenants_that_it_serves() -> None:
    farm = Farm()
    farm.come(farm.serve(farm.birch))
    assert farm.made() == [farm.birch.pk]
    assert "current in Staging for Birch" in decisions(farm.project)[0][1]


def test_a_target_of_a_tenant_that_got_nothing_yet_is_told_of() -> None:
    farm = Farm()
    cedar = make_tenant("Cedar", connections={farm.project: [farm.staging]})
    machine = farm.serve(cedar)
    farm.come(machine)
    assert farm.made() == []
    reason = f"Nothing is current in Staging for whom {machine.name} may serve."
    assert decisions(farm.project) == [("Nothing", reason)]


def test_one_tenant_waits_and_the_other_is_served_once() -> None:
    farm = Farm()
    running = deploy(farm.release, farm.staging, farm.ash)
    farm.come(farm.serve(farm.ash, farm.birch))
    assert farm.made() == [farm.ash.pk, farm.birch.pk]
    for deployment in Deployment.objects.in_space(farm.project.space):
        finish(deployment)
    assert running.tenant_number == farm.ash.pk
    farm.settle()
    farm.settle()
    assert farm.made() == [farm.ash.pk, farm.birch.pk, farm.ash.pk]
    assert not WaitingTarget.objects.exists()


class Night:
    """Ash is connected to Staging and Live, Birch to Live alone; a trigger runs at once."""

    def __init__(self, **choice: Any) -> None:
        self.staging, self.live = make_environment("Staging"), make_environment("Live")
        self.project = make_tenanted_project(
            lifecycle=make_lifecycle(
                PhaseInput("Try", manual=[self.staging]), PhaseInput("Live", manual=[self.live])
            ),
            steps=[script_step()],
        )
        make_tag_set("Ring", "Early", "Late")
        both = {self.project: [self.staging, self.live]}
        self.ash = make_tenant("Ash", "Ring/Early", connections=both)
        self.birch = make_tenant("Birch", "Ring/Late", connections={self.project: [self.live]})
        old, self.new = make_release(self.project, "1.0.0"), make_release(self.project, "2.0.0")
        finish(deploy(old, self.staging, self.ash))
        self.clock = SettableClock()
        action = {
            "ActionType": "DeployLatestRelease",
            "SourceEnvironmentIds": [self.staging.public_id],
            "DestinationEnvironmentId": self.live.public_id,
            **choice,
        }
        every_minute = {"FilterType": "CronExpressionSchedule", "CronExpression": "* * * * *"}
        make_trigger(self.project, every_minute, action, clock=self.clock)
        self.clock.forward(61)
        run_due_schedules(clock=self.clock)
        continue_rollouts(clock=self.clock)


def test_a_schedule_deploys_for_each_tenant_what_is_current_for_it() -> None:
    """Birch has no source: it gets the newest release that its own lifecycle admits."""
    night = Night(TenantTags=["Ring/Early", "Ring/Late"])
    assert decisions(night.project) == [
        ("Deployed", "1.0.0, current in Staging, is deployed to Live for Ash."),
        ("Deployed", "2.0.0, the newest that the lifecycle admits, is deployed to Live for Birch."),
    ]


def test_a_schedule_names_its_tenants() -> None:
    night = Night(TenantIds=["Birch"])
    assert [reason.rpartition("for ")[2] for _, reason in decisions(night.project)] == ["Birch."]


def test_a_schedule_without_tenants_says_that_the_project_wants_some() -> None:
    night = Night(SourceEnvironmentIds=[])
    ((outcome, reason),) = decisions(night.project)
    assert outcome in {"Refused", "Nothing"}
    assert night.project.name in reason or "admits no release" in reason
