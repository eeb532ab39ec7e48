"""Deployment target triggers: which targets, which release, when, and why not."""

from datetime import timedelta
from typing import Any

import pytest

from deployments.base import events
from deployments.base.clock import utc_now
from deployments.infrastructure.models import Machine
from deployments.infrastructure.services.machines import (
    delete_machine,
    set_machine_disabled,
)
from deployments.projects.models import ProjectTrigger, WaitingTarget
from deployments.projects.services.triggers import set_trigger_disabled
from deployments.releases.models import Deployment
from deployments.releases.services.automation.targets import GATHERING, deploy_to_waiting_targets
from tests.factories import SYSTEM, make_ben
from tests.factories.automation import Stream, decisions, make_trigger
from tests.factories.domain import (
    finish,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
    script_step,
)

AVAILABLE = {"FilterType": "MachineFilter", "EventGroups": ["MachineAvailableForDeployment"]}

pytestmark = pytest.mark.django_db


class Farm:
    """Web servers in Staging and a project whose release 1.0.0 is current there."""

    def __init__(self) -> None:
        self.staging = make_environment("Staging")
        self.web = make_machine(self.staging, name="web-1")
        lifecycle = make_lifecycle(self.staging)
        self.project = make_project(
            lifecycle=lifecycle,
            steps=[script_step("One", roles="web"), script_step("Two", roles="web")],
        )
        self.release = make_release(self.project, "1.0.0")
        self.first = self.deploy(self.release)
        self.stream = Stream()

    def deploy(self, release: Any, machines: tuple[Machine, ...] = (), **options: Any) -> Any:
        deployment = make_deployment(release, self.staging, state="Success", **options)
        deployment.deployed_machines = [each.public_id for each in machines or (self.web,)]
        deployment.save()
        return deployment

    def trigger(self, *, redeploy: bool = False, **more: Any) -> ProjectTrigger:
        action = {
            "ActionType": "AutoDeploy",
            "ShouldRedeployWhenMachineHasBeenDeployedTo": redeploy,
        }
        return make_trigger(self.project, {**AVAILABLE, **more.pop("filter", {})}, action, **more)

    def say(self, machine: Machine, category: str = "MachineHealthy") -> None:
        events.record(
            actor=SYSTEM,
            space=machine.space,
            category=category,
            message=f"{machine.name}: {category}",
            subject=machine.public_id,
        )

    def settle(self) -> None:
        self.stream.deliver("target-triggers")
        deploy_to_waiting_targets(clock=lambda: utc_now() + GATHERING + timedelta(minutes=5))

    def made(self) -> list[Deployment]:
        rows = Deployment.objects.in_space(self.project.space).filter(project=self.project)
        return list(rows.exclude(pk=self.first.pk).order_by("pk"))


@pytest.fixture
def farm() -> Farm:
    return Farm()


def test_new_targets_share_a_deployment_of_the_current_release(farm: Farm) -> None:
    farm.trigger()
    one, two = (make_machine(farm.staging, name=name) for name in ("web-2", "web-3"))
    farm.say(one)
    farm.say(two)
    farm.settle()
    (made,) = farm.made()
    assert made.release_id == farm.release.pk
    assert set(made.options["specific_machines"]) == {one.public_id, two.public_id}
    assert decisions(farm.project) == [
        ("Deployed", "It deploys 1.0.0, which is current in Staging, to web-2, web-3.")
    ]
    assert not WaitingTarget.objects.exists()


def test_targets_are_gathered_for_a_while(farm: Farm) -> None:
    farm.trigger()
    farm.say(make_machine(farm.staging))
    now = utc_now()
    farm.stream.deliver("target-triggers", clock=lambda: now)
    deploy_to_waiting_targets(clock=lambda: now + GATHERING / 2)
    assert farm.made() == []
    assert deploy_to_waiting_targets(clock=lambda: now + GATHERING) == 1


def test_the_filter_decides_which_events_count(farm: Farm) -> None:
    elsewhere = make_environment("Elsewhere")
    farm.trigger(filter={"EnvironmentIds": [farm.staging.public_id], "Roles": ["web"]})
    farm.say(make_machine(elsewhere))
    farm.say(make_machine(farm.staging, roles=["db"]))
    farm.say(make_machine(farm.staging), "MachineUnhealthy")
    farm.settle()
    assert (farm.made(), decisions(farm.project)) == ([], [])


def test_enabling_a_target_counts(farm: Farm) -> None:
    farm.trigger()
    machine = make_machine(farm.staging, is_disabled=True)
    set_machine_disabled(actor=SYSTEM, row=machine, is_disabled=False)
    farm.settle()
    assert [each.options["specific_machines"] for each in farm.made()] == [[machine.public_id]]


def test_a_target_that_has_the_release_is_left_alone_unless_asked(farm: Farm) -> None:
    trigger = farm.trigger()
    farm.say(farm.web)
    farm.settle()
    assert decisions(farm.project) == [("Nothing", "web-1 has 1.0.0 already.")]
    trigger.delete()
    farm.trigger(redeploy=True)
    farm.say(farm.web)
    farm.settle()
    assert len(farm.made()) == 1


def test_a_target_that_got_an_older_release_last_gets_the_current_one(farm: Farm) -> None:
    farm.trigger()
    other = make_machine(farm.staging)
    farm.deploy(make_release(farm.project, "2.0.0"), (other,))
    farm.say(farm.web)
    farm.settle()
    assert [each.release.version for each in farm.made()] == ["2.0.0", "2.0.0"]


def test_the_last_success_counts_when_the_newest_release_failed(farm: Farm) -> None:
    farm.trigger()
    for state in ("Failed", "Canceled"):
        finish(make_deployment(make_release(farm.project), farm.staging), state)
    farm.say(make_machine(farm.staging))
    farm.settle()
    assert farm.made()[-1].release_id == farm.release.pk


def test_skipped_steps_stay_skipped(farm: Farm) -> None:
    farm.trigger()
    steps = farm.release.process_snapshot.steps
    skipped = steps[0]["Actions"][0]["Id"]
    farm.deploy(farm.release, skip_actions=(skipped,))
    farm.say(make_machine(farm.staging))
    farm.settle()
    assert farm.made()[-1].options["skip_actions"] == [skipped]


def test_it_waits_while_the_project_is_deployed_there(farm: Farm) -> None:
    farm.trigger()
    running = make_deployment(make_release(farm.project, "2.0.0"), farm.staging)
    machine = make_machine(farm.staging)
    farm.say(machine)
    farm.settle()
    farm.settle()
    assert [outcome for outcome, _ in decisions(farm.project)] == ["Waiting"]
    finish(running, "Failed")
    farm.settle()
    assert [outcome for outcome, _ in decisions(farm.project)] == ["Waiting", "Deployed"]
    assert farm.made()[-1].release_id == farm.release.pk


def test_what_is_gone_disabled_or_away_meanwhile_is_left_out_with_a_reason(farm: Farm) -> None:
    farm.trigger()
    gone, disabled, away = (make_machine(farm.staging) for _ in range(3))
    for machine in (gone, disabled, away):
        farm.say(machine)
    farm.stream.deliver("target-triggers")
    delete_machine(actor=SYSTEM, row=gone)
    set_machine_disabled(actor=SYSTEM, row=disabled, is_disabled=True)
    away.health_status = "Unavailable"
    away.save()
    farm.settle()
    assert decisions(farm.project) == [
        ("Nothing", f"{disabled.name} is disabled. {away.name} is unavailable.")
    ]


def test_without_a_release_there_nothing_is_deployed(farm: Farm) -> None:
    production = make_environment("Production")
    farm.trigger()
    farm.say(make_machine(production))
    farm.settle()
    assert decisions(farm.project) == [
        ("Nothing", "No release has been deployed to Production successfully yet.")
    ]


def test_the_release_that_the_project_names_goes_before_the_current_one(farm: Farm) -> None:
    farm.trigger()
    named = make_release(farm.project, "2.0.0")
    override = {"EnvironmentId": farm.staging.public_id, "ReleaseId": named.public_id}
    farm.project.extra = {"AutoDeployReleaseOverrides": [override]}
    farm.project.save()
    follower = Stream()
    farm.say(make_machine(farm.staging))
    farm.settle()
    (made,) = farm.made()
    assert made.release_id == named.pk
    assert made.options["trigger_name"] == "Trigger"
    finish(made)
    # Its own deployment leaves the override, one by people ends it.
    follower.deliver("release-overrides")
    farm.project.refresh_from_db()
    assert farm.project.extra["AutoDeployReleaseOverrides"] == [override]
    make_deployment(farm.release, farm.staging)
    follower.deliver("release-overrides")
    farm.project.refresh_from_db()
    assert farm.project.extra["AutoDeployReleaseOverrides"] == []


def test_a_pause_forgets_what_waits(farm: Farm) -> None:
    trigger = farm.trigger()
    farm.say(make_machine(farm.staging))
    farm.stream.deliver("target-triggers")
    set_trigger_disabled(actor=SYSTEM, row=trigger, is_disabled=True)
    farm.say(make_machine(farm.staging))
    farm.settle()
    assert (farm.made(), decisions(farm.project)) == ([], [])


def test_it_may_do_no_more_than_who_saved_it(farm: Farm) -> None:
    ben = make_ben(farm.project.space, make_environment("Ben's").public_id)
    trigger = farm.trigger()
    trigger.saved_by, trigger.saved_by_name = ben.actor.public_id, "ben"
    trigger.save()
    machine = make_machine(farm.staging, name="web-9")
    farm.say(machine)
    farm.settle()
    ((outcome, reason),) = decisions(farm.project)
    assert outcome == "Refused"
    assert reason == (
        "It could not deploy 1.0.0, which is current in Staging, to web-9: ben lacks the"
        " permission DeploymentCreate."
    )
    ben.user.is_active = False
    ben.user.save()
    farm.say(machine)
    farm.settle()
    assert "may not sign in any more" in decisions(farm.project)[-1][1]
