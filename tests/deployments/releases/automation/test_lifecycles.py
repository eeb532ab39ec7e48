"""Automatic deployment of phases: what enters, once, in whose name, and why not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from deployments.base.clock import utc_now
from deployments.library.services import VariableInput
from deployments.projects.models import AutomationDecision
from deployments.projects.services.lifecycles import PhaseInput
from deployments.releases.models import Deployment
from deployments.releases.progression import Phase
from deployments.releases.services import create_deployment, create_release
from deployments.releases.services.automation.entering import entered_environments
from deployments.releases.services.defects import report_defect, resolve_defect
from deployments.releases.services.freezes import FreezeInput, FreezePlace, create_freeze
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_ben
from tests.factories.automation import Stream, decisions, follow_phases, succeed
from tests.factories.domain import (
    finish,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_process,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of


@pytest.mark.parametrize("case", cases("progression", "automatic"), ids=case_name)
def test_what_enters(case: dict[str, Any]) -> None:
    phases = [
        Phase(p["name"], p["name"], tuple(p["environments"]), p["minimum"], p["optional"])
        for p in case["phases"]
    ]
    entered = entered_environments(
        phases, case["automatic"], succeeded=case["succeeded"], newly=case["newly"]
    )
    assert [list(each) for each in entered] == case["entered"]


class Chain:
    """Dev and Test are deployed to automatically, Production by people."""

    def __init__(self) -> None:
        self.dev, self.test, self.production = (
            make_environment(name) for name in ("Dev", "Staging", "Production")
        )
        lifecycle = make_lifecycle(
            PhaseInput("Build", automatic=[self.dev]),
            PhaseInput("Verify", automatic=[self.test]),
            PhaseInput("Live", manual=[self.production]),
        )
        self.project = make_project("Web", lifecycle=lifecycle, steps=[script_step()])
        self.stream = Stream()

    def follow(self) -> None:
        follow_phases(self.stream)

    def deployments(self) -> list[Deployment]:
        rows = Deployment.objects.in_space(self.project.space).filter(project=self.project)
        return list(rows.select_related("environment", "release").order_by("pk"))

    def places(self) -> list[str]:
        return [deployment.environment.name for deployment in self.deployments()]

    def succeed(self, deployment: Deployment) -> None:
        succeed(deployment)


pytestmark = pytest.mark.django_db


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_a_release_goes_as_far_as_phases_take_it(chain: Chain) -> None:
    release = make_release(chain.project, "1.0.0")
    chain.follow()
    assert chain.places() == ["Dev"]
    chain.succeed(chain.deployments()[0])
    chain.follow()
    assert chain.places() == ["Dev", "Staging"]
    chain.succeed(chain.deployments()[1])
    chain.follow()
    assert chain.places() == ["Dev", "Staging"]
    made = AutomationDecision.objects.in_space(default_space()).order_by("pk")
    assert [(each.outcome, each.release_id, each.environment_id) for each in made] == [
        ("Deployed", release.public_id, chain.dev.public_id),
        ("Deployed", release.public_id, chain.test.public_id),
    ]
    assert made[1].cause == "Release 1.0.0 was deployed to Dev"
    assert made[1].results == [chain.deployments()[1].public_id]


def test_what_was_skipped_is_done_again_in_the_next_environment(chain: Chain) -> None:
    release = make_release(chain.project)
    chain.follow()
    finish(chain.deployments()[0], "Failed")
    step = release.process_snapshot.steps[0]["Actions"][0]["Id"]
    chain.succeed(make_deployment(release, chain.dev, skip_actions=(step,)))
    chain.follow()
    *_, without, there = chain.deployments()
    assert (there.environment.name, there.options["skip_actions"]) == ("Staging", [])
    assert without.options["skip_actions"] == [step]
    chain.succeed(there)
    page = Visitor(make_ana()).get(f"projects/web/releases/{release.version}/deploy")
    source = page.content.decode()
    assert f'name="skip" value="{step}"' in source
    assert f'name="skip" value="{step}" checked' not in source


def test_a_failure_lets_nothing_enter_and_a_later_success_does(chain: Chain) -> None:
    release = make_release(chain.project)
    chain.follow()
    finish(chain.deployments()[0], "Failed")
    chain.follow()
    assert chain.places() == ["Dev"]
    chain.succeed(make_deployment(release, chain.dev))
    chain.follow()
    assert chain.places() == ["Dev", "Dev", "Staging"]


def test_a_redeployment_of_the_phase_before_repeats_nothing(chain: Chain) -> None:
    release = make_release(chain.project)
    chain.follow()
    chain.succeed(chain.deployments()[0])
    chain.follow()
    finish(chain.deployments()[1], "Failed")
    chain.succeed(make_deployment(release, chain.dev))
    chain.follow()
    assert chain.places() == ["Dev", "Staging", "Dev"]


def test_where_somebody_deployed_already_it_is_not_deployed_again(chain: Chain) -> None:
    release = make_release(chain.project)
    make_deployment(release, chain.dev)
    chain.follow()
    assert chain.places() == ["Dev"]
    assert [outcome for outcome, _ in decisions(chain.project)] == ["Nothing"]


def test_it_goes_on_in_the_name_of_who_began_it(chain: Chain) -> None:
    """Ben may create releases anywhere, and deploy to Staging alone."""
    ben = make_ben(default_space(), chain.test.public_id)
    give_role(ben.user, "userroles-releasecreator", default_space())
    create_release(actor=ben.actor, project=chain.project)
    chain.follow()
    assert chain.places() == []
    ((outcome, reason),) = decisions(chain.project)
    assert outcome == "Refused"
    assert reason == (
        "It was not deployed to Dev, which the phase Build deploys to by itself: ben lacks the"
        " permission DeploymentCreate."
    )
    ana = make_ana()
    release = make_release(chain.project)
    chain.succeed(create_deployment(actor=ana.actor, release=release, environment=chain.dev))
    chain.follow()
    made = chain.deployments()[-1]
    assert (made.environment.name, made.deployed_by_name) == ("Staging", "ana")


def test_a_disabled_project_says_so(chain: Chain) -> None:
    make_release(chain.project)
    chain.project.is_disabled = True
    chain.project.save()
    chain.follow()
    ((outcome, reason),) = decisions(chain.project)
    assert outcome == "Refused"
    assert "is disabled" in reason


def _asks(chain: Chain) -> None:
    make_variables(
        chain.project, VariableInput("Reason", "", prompt={"label": "Why", "required": True})
    )


def _freezes(chain: Chain) -> None:
    start = utc_now() - timedelta(hours=1)
    places = (FreezePlace(chain.project, chain.dev),)
    freeze = FreezeInput("Holidays", start, start + timedelta(hours=2), places)
    create_freeze(actor=SYSTEM, space=default_space(), freeze=freeze)


def _wants_targets(chain: Chain) -> None:
    make_process(chain.project, script_step("On web", roles="web"))


@pytest.mark.parametrize(
    ("hinder", "reason"),
    [
        (_asks, "Why"),
        (_freezes, "'Holidays' holds until"),
        (_wants_targets, "no deployment targets"),
    ],
)
def test_what_refuses_a_person_refuses_a_phase(
    chain: Chain, hinder: Callable[[Chain], None], reason: str
) -> None:
    hinder(chain)
    make_release(chain.project)
    chain.follow()
    assert chain.places() == []
    [decision] = AutomationDecision.objects.in_space(default_space())
    assert (decision.outcome, decision.environment_id) == ("Refused", chain.dev.public_id)
    assert reason in decision.reason


def test_a_lifecycle_without_automatic_environments_decides_nothing() -> None:
    stream = Stream()
    project = make_project(lifecycle=make_lifecycle(make_environment()), steps=[script_step()])
    make_release(project)
    follow_phases(stream)
    assert decisions(project) == []


def test_a_blocked_release_goes_on_when_it_is_unblocked(chain: Chain) -> None:
    release = make_release(chain.project)
    chain.follow()
    report_defect(actor=SYSTEM, release=release, description="Slow")
    chain.succeed(chain.deployments()[0])
    chain.follow()
    assert chain.places() == ["Dev"]
    outcome, reason = decisions(chain.project)[-1]
    assert outcome == "Refused"
    assert "prevented" in reason or "blocked" in reason
    resolve_defect(actor=SYSTEM, release=release)
    chain.follow()
    assert chain.places() == ["Dev", "Staging"]


def test_the_page_of_the_release_tells_what_was_decided(chain: Chain) -> None:
    make_release(chain.project, "1.0.0")
    chain.follow()
    ana = Visitor(make_ana())
    shown = text_of(ana.get(f"projects/{chain.project.public_id}/releases/1.0.0"))
    assert "It is deployed to Dev, which the phase Build deploys to by itself." in shown
    assert "Release 1.0.0 was created" in shown
