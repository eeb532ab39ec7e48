"""Triggers that follow another project: what counts, what they do, and that no chain is endless."""

from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.projects.models import Project, ProjectTrigger, TriggerCall
from deployments.projects.services.lifecycles import PhaseInput
from deployments.projects.services.triggers import (
    TriggerInput,
    set_trigger_disabled,
    update_trigger,
)
from deployments.releases.models import Deployment, Release
from deployments.releases.services.automation.acting import ATTEMPTS
from deployments.releases.services.automation.calls import answer_calls
from deployments.releases.services.automation.rollouts import continue_rollouts
from tests.factories.automation import Stream, decisions, follow_phases, make_trigger, succeed
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.factories.execution import SettableClock
from tests.factories.people import SYSTEM, as_person, give_role, make_user
from tests.factories.runbooks import make_runbook, make_snapshot
from tests.factories.spaces import default_space
from tests.factories.tenants import connect, make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db


class Town:
    """Projects that go from Dev to Live, and what happens in them."""

    def __init__(self, *phases: PhaseInput) -> None:
        self.dev, self.live = make_environment("Dev"), make_environment("Live")
        self.lifecycle = make_lifecycle(*(phases or (self.dev, self.live)))
        self.api, self.web = self.project("Api"), self.project("Web")
        self.news, self.phases = Stream(), Stream()

    def project(self, name: str) -> Project:
        return make_project(name, lifecycle=self.lifecycle, steps=[script_step()])

    def follows(self, project: Project, source: Project, **more: Any) -> ProjectTrigger:
        """Let the project deploy its newest release to Dev after the other one."""
        watched = {"FilterType": "ProjectFilter", "SourceProjectId": source.public_id}
        action = more.pop("action", None) or {
            "ActionType": "DeployLatestRelease",
            "DestinationEnvironmentId": self.dev.public_id,
        }
        name, actor = more.pop("name", "Follow"), more.pop("actor", None)
        who = {"actor": actor} if actor else {}
        return make_trigger(project, {**watched, **more}, action, name=name, **who)

    def go_on(self) -> None:
        """Let whoever follows events do so, and everything be done that comes of it."""
        self.news.deliver("project-triggers")
        while answer_calls() + continue_rollouts():
            pass
        follow_phases(self.phases)

    def made(self, project: Project) -> list[Deployment]:
        rows = Deployment.objects.in_space(project.space).filter(project=project)
        return list(rows.select_related("environment", "release").order_by("pk"))

    def releases(self, project: Project) -> int:
        return Release.objects.in_space(project.space).filter(project=project).count()


@pytest.fixture
def town() -> Town:
    return Town()


def test_a_deployment_elsewhere_deploys_the_newest_eligible_release(town: Town) -> None:
    make_release(town.web, "1.0.0")
    newest = make_release(town.web, "1.1.0")
    trigger = town.follows(town.web, town.api, EnvironmentIds=[town.dev.public_id])
    succeed(make_deployment(make_release(town.api, "7.0"), town.dev))
    town.go_on()
    [made] = town.made(town.web)
    assert (made.release, made.environment) == (newest, town.dev)
    assert made.options["trigger_id"] == trigger.public_id
    assert decisions(town.web) == [
        ("Deployed", "1.1.0, the newest that the lifecycle admits, is deployed to Dev.")
    ]
    assert trigger.decisions.get().cause == "Api 7.0 was deployed to Dev"


def test_other_environments_other_projects_failures_and_releases_do_not_count(town: Town) -> None:
    make_release(town.web, "1.0.0")
    town.follows(town.web, town.api, EnvironmentIds=[town.live.public_id])
    release = make_release(town.api)
    succeed(make_deployment(release, town.dev))
    make_deployment(release, town.live, state="Failed")
    other = town.project("Other")
    succeed(make_deployment(make_release(other), town.dev))
    town.go_on()
    assert (town.made(town.web), decisions(town.web)) == ([], [])


def test_a_release_elsewhere_creates_a_release(town: Town) -> None:
    action = {"ActionType": "CreateRelease"}
    town.follows(town.web, town.api, EventCategory="ReleaseCreated", action=action)
    released = make_release(town.api, "7.0")
    succeed(make_deployment(released, town.dev))
    town.go_on()
    assert decisions(town.web) == [("Created", "0.0.1 was created.")]
    assert (town.releases(town.web), town.made(town.web)) == (1, [])


def test_it_may_run_a_runbook(town: Town) -> None:
    runbook = make_runbook(town.web, "Warm up")
    make_snapshot(runbook)
    action = {
        "ActionType": "RunRunbook",
        "RunbookId": runbook.public_id,
        "EnvironmentIds": [town.live.public_id],
    }
    town.follows(town.web, town.api, action=action)
    succeed(make_deployment(make_release(town.api), town.dev))
    town.go_on()
    assert decisions(town.web) == [("Run", "Warm up is run in Live.")]


def test_a_chain_ends_where_it_comes_back_to_a_project(town: Town) -> None:
    shop = town.project("Shop")
    for project, source in ((town.web, town.api), (shop, town.web), (town.api, shop)):
        make_release(project, "1.0.0")
        town.follows(project, source)
    succeed(make_deployment(make_release(town.api, "7.0"), town.dev))
    for _ in range(5):
        town.go_on()
        for each in (*town.made(town.web), *town.made(shop)):
            if not each.task.completed:
                succeed(each)
    assert [len(town.made(each)) for each in (town.api, town.web, shop)] == [1, 1, 1]
    assert decisions(town.api) == [
        (
            "Refused",
            (
                "The chain of triggers came back to this project (Api, Web, Shop, Api) and would"
                " never end."
            ),
        )
    ]
    # Who deploys again begins a chain of their own.
    succeed(make_deployment(town.made(town.web)[0].release, town.dev))
    town.go_on()
    assert len(town.made(shop)) == 2


def test_a_chain_goes_through_the_phases_of_lifecycles() -> None:
    dev = make_environment("First")
    town = Town(PhaseInput("Build", automatic=[dev]))
    action = {"ActionType": "CreateRelease"}
    town.follows(town.web, town.api, action=action)
    town.follows(town.api, town.web, action=action)
    make_release(town.api, "7.0")
    for _ in range(6):
        town.go_on()
        for each in (*town.made(town.api), *town.made(town.web)):
            if not each.task.completed:
                succeed(each)
    assert (town.releases(town.api), town.releases(town.web)) == (1, 1)
    assert [outcome for outcome, _ in decisions(town.api)] == ["Deployed", "Refused"]


def test_a_project_that_a_step_deploys_does_not_bring_its_deployer_back(town: Town) -> None:
    parent = make_deployment(make_release(town.web), town.dev)
    town.follows(town.web, town.api)
    child = make_deployment(make_release(town.api), town.dev, parent_task=parent.task.public_id)
    succeed(child)
    town.go_on()
    assert len(town.made(town.web)) == 1
    [(outcome, reason)] = decisions(town.web)
    assert (outcome, "(Web, Api, Web)" in reason) == ("Refused", True)


def test_the_tenant_of_the_other_deployment_is_meant(town: Town) -> None:
    lifecycle = make_lifecycle(town.dev)
    api, web = (
        make_tenanted_project(name, lifecycle=lifecycle, steps=[script_step()])
        for name in ("Tenanted api", "Tenanted web")
    )
    ash = make_tenant("Ash", connections={api: [town.dev], web: [town.dev]})
    birch = make_tenant("Birch", connections={api: [town.dev]})
    release = make_release(web)
    town.follows(web, api)
    for tenant in (ash, birch):
        succeed(make_deployment(make_release(api), town.dev, tenant=tenant))
    town.go_on()
    assert [(each.release, each.tenant_number) for each in town.made(web)] == [(release, ash.pk)]
    # Without the tenant the project does not go anywhere, which is told.
    assert sorted(outcome for outcome, _ in decisions(web)) == ["Deployed", "Refused"]
    connect(birch, web, town.dev)
    succeed(make_deployment(make_release(api), town.dev, tenant=birch))
    town.go_on()
    assert town.made(web)[-1].tenant_number == birch.pk


def test_many_tenants_create_one_release_and_make_one_deployment(town: Town) -> None:
    api = make_tenanted_project(
        "Tenanted api", lifecycle=make_lifecycle(town.dev), steps=[script_step()]
    )
    tenants = [make_tenant(name, connections={api: [town.dev]}) for name in ("Ash", "Birch")]
    make_release(town.web)
    town.follows(town.web, api, name="Create", action={"ActionType": "CreateRelease"})
    once = {
        "ActionType": "DeployLatestRelease",
        "DestinationEnvironmentId": town.dev.public_id,
        "ShouldRedeployWhenReleaseIsCurrent": False,
    }
    town.follows(town.web, api, name="Deploy", action=once)
    release = make_release(api, "7.0")
    for tenant in tenants:
        succeed(make_deployment(release, town.dev, tenant=tenant))
        town.go_on()
    assert (town.releases(town.web), len(town.made(town.web))) == (2, 1)
    told = [reason for outcome, reason in decisions(town.web) if outcome == "Nothing"]
    assert sorted(told) == [
        "0.0.2 is on its way to Dev already.",
        "7.0 was deployed to Dev before: it lets a release be created once.",
    ]


def test_it_does_nothing_that_who_saved_it_may_not_see(town: Town) -> None:
    user = make_user("eve")
    space = default_space()
    give_role(user, "userroles-projectlead", space, {"project": [town.web.public_id]})
    person = as_person(user)
    with pytest.raises(Invalid, match="there is no Projects-"):
        town.follows(town.web, town.api, actor=person.actor)
    trigger = town.follows(town.web, town.api)
    # What it follows already may stay.
    update_trigger(
        actor=person.actor,
        row=trigger,
        trigger=TriggerInput("Renamed", trigger.filter, trigger.action),
    )
    make_release(town.web)
    succeed(make_deployment(make_release(town.api), town.dev))
    town.go_on()
    assert decisions(town.web) == [("Refused", "eve lacks the permission DeploymentView in Api.")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"SourceProjectId": ""}, "SourceProjectId"),
        ({"SourceProjectId": "Projects-999999999"}, "SourceProjectId"),
        ({"EventCategory": "Sunrise"}, "EventCategory"),
        ({"EventCategory": "ReleaseCreated", "EnvironmentIds": ["{dev}"]}, "EnvironmentIds"),
        ({"EnvironmentIds": ["Environments-999999999"]}, "EnvironmentIds"),
    ],
)
def test_what_makes_no_sense_is_refused(town: Town, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        town.follows(town.web, town.api, **wrong)
    assert list(refused.value.fields) == [field]


def test_a_project_cannot_follow_itself(town: Town) -> None:
    with pytest.raises(Invalid) as refused:
        town.follows(town.web, town.web)
    assert "SourceProjectId" in refused.value.fields


def test_a_paused_one_forgets_its_calls(town: Town) -> None:
    trigger = town.follows(town.web, town.api)
    succeed(make_deployment(make_release(town.api), town.dev))
    town.news.deliver("project-triggers")
    assert TriggerCall.objects.count() == 1
    set_trigger_disabled(actor=SYSTEM, row=trigger, is_disabled=True)
    assert TriggerCall.objects.count() == 0
    succeed(make_deployment(make_release(town.api), town.dev))
    town.go_on()
    assert decisions(town.web) == []


def test_a_call_that_breaks_is_tried_again_then_refused(town: Town) -> None:
    clock = SettableClock()
    trigger = town.follows(town.web, town.api)
    succeed(make_deployment(make_release(town.api), town.dev))
    town.news.deliver("project-triggers", clock=clock)
    trigger.action = {"ActionType": "Broken"}
    trigger.save()
    for _ in range(ATTEMPTS):
        assert decisions(town.web) == []
        assert answer_calls(clock=clock) == 1
        assert answer_calls(clock=clock) == 0
        clock.forward(61)
    assert decisions(town.web) == [
        ("Refused", "It failed in the server (KeyError); the server's log has the error.")
    ]
    assert TriggerCall.objects.count() == 0
