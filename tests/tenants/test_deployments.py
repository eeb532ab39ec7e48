"""Deploying for tenants: who may get a release, where it runs, what it knows, what waits."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.events import record
from deployments.execution.plan import plan_from_json
from deployments.execution.services.plan_deployment import plan_deployment
from deployments.execution.services.situation import open_manifest
from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.library.tenancy import Tenancy
from deployments.projects.models import Project
from deployments.projects.services.lifecycles import PhaseInput
from deployments.releases.models import Deployment, Release
from deployments.releases.queries import progression_of
from deployments.releases.services import create_deployment
from deployments.releases.tenancy.standings import standings
from deployments.server_tasks.models import ServerTask
from tenants.models import Tenant
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_user
from tests.factories.automation import Stream, follow_phases
from tests.factories.children import World, child_step
from tests.factories.domain import (
    finish,
    make_channel,
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.execution import Scene, make_agent
from tests.factories.people import as_person
from tests.factories.tenants import connect, make_tag_set, make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db


class Shop:
    """A project for tenants in Dev and Prod, with two tenants in both."""

    def __init__(self, mode: str = "Tenanted", *steps: Any) -> None:
        make_tag_set("Ring")
        self.dev, self.prod = make_environment("Dev"), make_environment("Prod")
        lifecycle = make_lifecycle(self.dev, self.prod)
        self.project: Project = make_tenanted_project(
            "Web", mode, lifecycle=lifecycle, steps=steps or [script_step()]
        )
        both = {self.project: [self.dev, self.prod]}
        self.acme: Tenant = make_tenant("Acme", "Ring/Alpha", connections=both)
        self.beta: Tenant = make_tenant("Beta", "Ring/Beta", connections=both)
        self.release: Release = make_release(self.project, "1.0.0")

    def deploy(
        self, tenant: Tenant | None, environment: Environment | None = None, state: str = ""
    ) -> Deployment:
        row = create_deployment(
            actor=SYSTEM,
            release=self.release,
            environment=environment or self.dev,
            tenant=tenant,
        )
        if state:
            finish(row, state)
        return row


def test_each_tenant_goes_through_the_lifecycle_on_its_own() -> None:
    shop = Shop("TenantedOrUntenanted")
    shop.deploy(shop.acme, state="Success")
    acme, beta = progression_of(shop.release, shop.acme), progression_of(shop.release, shop.beta)
    assert acme.next_environments == (shop.prod.pk,)
    assert beta.next_environments == (shop.dev.pk,)
    assert progression_of(shop.release).next_environments == (shop.dev.pk,)
    shop.deploy(shop.acme, shop.prod)
    for tenant in (shop.beta, None):
        with pytest.raises(Invalid, match="must first be deployed successfully"):
            shop.deploy(tenant, shop.prod)


def test_a_phase_without_an_environment_of_the_tenant_is_skipped() -> None:
    shop = Shop()
    only_prod = make_tenant("Gamma", connections={shop.project: [shop.prod]})
    assert progression_of(shop.release, only_prod).next_environments == (shop.prod.pk,)
    shop.deploy(only_prod, shop.prod)
    with pytest.raises(Invalid, match="not connected to the environment 'Dev'"):
        shop.deploy(only_prod)


def test_deployment_and_task_know_the_tenant() -> None:
    shop = Shop()
    row = shop.deploy(shop.acme)
    task = ServerTask.objects.in_space(default_space()).get(pk=row.task_id)
    tag = f"{shop.acme.public_id}/{shop.project.public_id}/{shop.dev.public_id}"
    assert (row.tenant_number, task.tenant_number) == (shop.acme.pk, shop.acme.pk)
    assert (task.concurrency_tag, task.description) == (
        tag,
        "Deploy Web release 1.0.0 to Dev for Acme",
    )
    # A newer one of the same tenant takes the place of a queued one, that of another does not.
    shop.deploy(shop.beta)
    shop.deploy(shop.acme)
    states = ServerTask.objects.in_space(default_space()).order_by("pk")
    assert list(states.values_list("state", flat=True)) == ["Canceled", "Queued", "Queued"]


def test_a_channel_for_tags_refuses_other_tenants() -> None:
    shop = Shop()
    early = make_channel(shop.project, "Early", extra={"TenantTags": ["Ring/Alpha"]})
    shop.release = make_release(shop.project, "2.0.0", channel=early)
    shop.deploy(shop.acme)
    with pytest.raises(Invalid, match="channel 'Early' is for tenants with the tags Ring/Alpha"):
        shop.deploy(shop.beta)


def test_a_tenant_that_was_deployed_to_stays() -> None:
    shop = Shop()
    shop.deploy(shop.acme)
    ana = make_ana()
    status, error = send(ana, "delete", f"{S}/tenants/{shop.acme.public_id}")
    assert (status, "1 deployment" in str(error)) == (400, True)
    assert send(ana, "delete", f"{S}/tenants/{shop.beta.public_id}")[0] == 200


def test_a_tag_of_frozen_variables_stays() -> None:
    shop = Shop()
    make_variables(shop.project, VariableInput("Db", "x", scope={"TenantTag": ["Ring/Beta"]}))
    make_release(shop.project, "2.0.0")
    make_variables(shop.project)
    ana = make_ana()
    path = f"{S}/tagsets/{send(ana, 'get', f'{S}/tagsets/all')[1][0]['Id']}"
    send(ana, "put", f"{S}/tenants/{shop.beta.public_id}", {"Name": "Beta"})
    stored = send(ana, "get", path)[1]
    status, error = send(ana, "put", path, {**stored, "Tags": stored["Tags"][:1]})
    assert (status, "the release 2.0.0 of Web" in str(error)) == (400, True)


def _planned(row: Deployment) -> tuple[Any, Any]:
    task = ServerTask.objects.in_space(row.space).get(pk=row.task_id)
    stored = plan_deployment(task)
    return plan_from_json(stored.document), open_manifest(stored)


def test_targets_variables_and_steps_are_those_of_the_tenant() -> None:
    shop = Shop(
        "TenantedOrUntenanted",
        script_step("On targets", roles="web"),
        script_step("For alphas", TenantTags=["Ring/Alpha"]),
    )
    for name, tenancy in (
        ("for-acme", Tenancy(tenants=("Acme",))),
        ("for-betas", Tenancy(tags=("Ring/Beta",))),
        ("for-nobody", None),
        ("for-both", Tenancy("TenantedOrUntenanted", ("Acme",))),
        ("for-none", Tenancy("Tenanted")),
    ):
        make_agent(make_machine(shop.dev, name=name, tenancy=tenancy))
    make_variables(
        shop.project,
        VariableInput("Db", "any"),
        VariableInput("Db", "alphas", scope={"TenantTag": ["Ring/Alpha"]}),
    )
    shop.release = make_release(shop.project, "2.0.0")
    for tenant, names, steps in (
        (shop.acme, ["for-acme", "for-both"], ["On targets", "For alphas"]),
        (shop.beta, ["for-betas"], ["On targets"]),
        (None, ["for-both", "for-nobody"], ["On targets"]),
    ):
        plan, manifest = _planned(shop.deploy(tenant))
        assert sorted(machine.name for machine in manifest.machines.values()) == names
        assert [step.name for step in plan.steps] == steps
        assert manifest.tenant == (tenant.public_id if tenant else None)
    plan, manifest = _planned(shop.deploy(shop.acme))
    assert manifest.system["Octopus.Deployment.Tenant.Id"] == shop.acme.public_id
    assert manifest.system["Octopus.Deployment.Tenant.Name"] == "Acme"
    assert manifest.system["Octopus.Deployment.Tenant.Tags"] == "Ring/Alpha"


def test_without_a_target_for_the_tenant_it_is_refused() -> None:
    shop = Shop("Tenanted", script_step("On targets", roles="web"))
    make_machine(shop.dev, name="for-acme", tenancy=Tenancy(tenants=("Acme",)))
    shop.deploy(shop.acme)
    with pytest.raises(Invalid, match="that serve the tenant 'Beta'"):
        shop.deploy(shop.beta)


@pytest.mark.parametrize("mode", ["Tenanted", "Untenanted"])
def test_a_child_is_deployed_for_the_tenant_when_it_is_for_tenants(mode: str) -> None:
    world = World(script_step("Hello"))
    world.child.extra = {"TenantedDeploymentMode": mode}
    world.child.save()
    parent = make_tenanted_project(lifecycle=world.life, steps=[child_step(world.child)])
    tenant = make_tenant(connections={parent: [world.place]})
    if mode == "Tenanted":
        connect(tenant, world.child, world.place)
    row = create_deployment(
        actor=SYSTEM, release=make_release(parent), environment=world.place, tenant=tenant
    )
    scene = Scene(row, world.place, world.machines, world.clock)
    scene.begin()
    world.work(scene)
    [child] = world.children(scene)
    assert child.deployment.tenant_number == (tenant.pk if mode == "Tenanted" else None)


def test_standings_of_many_tenants_take_a_fixed_number_of_queries() -> None:
    shop = Shop()
    ana = make_ana()
    release = (
        Release.objects.in_space(default_space())
        .select_related("project", "channel", "space")
        .get(pk=shop.release.pk)
    )
    standings(release, ana.actor, "TenantView")  # what is read once for a request
    with CaptureQueriesContext(connection) as few:
        assert len(standings(release, ana.actor, "TenantView")) == 2
    for number in range(10):
        make_tenant(f"T{number}", "Ring/Beta", connections={shop.project: [shop.dev]})
    with CaptureQueriesContext(connection) as many:
        assert len(standings(release, ana.actor, "TenantView")) == 12
    assert len(many) == len(few)


def test_deployments_over_rest() -> None:
    shop = Shop()
    ana = make_ana()
    body = {"ReleaseId": shop.release.public_id, "EnvironmentId": shop.dev.public_id}
    status, error = send(ana, "post", f"{S}/deployments", body)
    assert (status, "only to tenants" in str(error)) == (400, True)
    status, made = send(ana, "post", f"{S}/deployments", {**body, "TenantId": "Tenants-999999999"})
    assert status == 400
    wanted = {**body, "TenantId": shop.acme.public_id}
    status, made = send(ana, "post", f"{S}/deployments", wanted)
    assert (status, made["TenantId"]) == (201, shop.acme.public_id)
    path = f"{S}/releases/{shop.release.public_id}/deployments"
    template = send(ana, "get", f"{path}/template")[1]
    assert template["PromoteTo"] == []
    assert [
        (row["Name"], [place["Name"] for place in row["PromoteTo"]])
        for row in template["TenantPromotions"]
    ] == [("Acme", ["Dev"]), ("Beta", ["Dev"])]
    preview = template["TenantPromotions"][0]["PromoteTo"][0]["Links"]["Preview"]
    assert send(ana, "get", preview)[0] == 200
    assert send(ana, "get", f"{path}/preview/{shop.dev.public_id}/Tenants-999999999")[0] == 404
    several = {"DeploymentPreviews": [{**body, "TenantId": shop.beta.public_id}]}
    assert shop.beta.public_id in send(ana, "post", f"{path}/previews", several)[1][0]["Id"]
    found = send(ana, "get", f"{S}/deployments?tenants={shop.acme.public_id}")[1]
    assert [row["Id"] for row in found["Items"]] == [made["Id"]]
    progression = send(ana, "get", f"{S}/projects/{shop.project.public_id}/progression")[1]
    items = progression["Releases"][0]["Deployments"][shop.dev.public_id]
    assert [item["TenantId"] for item in items] == [shop.acme.public_id]


def test_tenants_by_names_and_tags_at_once() -> None:
    Shop()
    ana = make_ana()
    path = f"{S}/deployments/create/tenanted/v1"
    body = {"ProjectName": "Web", "ReleaseVersion": "1.0.0", "EnvironmentName": "Dev"}
    wanted = {**body, "Tenants": ["beta"], "TenantTags": ["Ring/Alpha"]}
    status, made = send(ana, "post", path, wanted)
    assert (status, len(made["DeploymentServerTasks"])) == (201, 2)
    for wrong in (body, {**body, "Tenants": ["Nobody"]}, {**body, "TenantTags": ["Ring/X"]}):
        assert send(ana, "post", path, wrong)[0] == 400


def test_a_role_limited_to_tenants_deploys_and_sees_those_only() -> None:
    shop = Shop()
    user = make_user()
    give_role(user, "userroles-projectdeployer", default_space(), {"tenant_tag": ["Ring/Alpha"]})
    person = as_person(user)
    mine, other = shop.deploy(shop.acme), shop.deploy(shop.beta)
    listed = send(person, "get", f"{S}/deployments")[1]["Items"]
    assert [row["Id"] for row in listed] == [mine.public_id]
    assert send(person, "get", f"{S}/deployments/{other.public_id}")[0] == 404
    for tenant in (shop.beta, None):
        with pytest.raises(NotPermitted):
            create_deployment(
                actor=person.actor, release=shop.release, environment=shop.dev, tenant=tenant
            )
    create_deployment(
        actor=person.actor, release=shop.release, environment=shop.dev, tenant=shop.acme
    )


def test_projects_without_tenants_take_none() -> None:
    shop = Shop()
    plain = make_project("Plain", lifecycle=shop.project.lifecycle, steps=[script_step()])
    with pytest.raises(Invalid, match="not deployed for tenants"):
        create_deployment(
            actor=SYSTEM, release=make_release(plain), environment=shop.dev, tenant=shop.acme
        )


def test_phases_deploy_by_themselves_for_each_tenant() -> None:
    dev, prod = make_environment("Dev"), make_environment("Prod")
    lifecycle = make_lifecycle(
        PhaseInput("Build", automatic=[dev]), PhaseInput("Live", automatic=[prod])
    )
    project = make_tenanted_project("Web", lifecycle=lifecycle, steps=[script_step()])
    acme = make_tenant("Acme", connections={project: [dev, prod]})
    make_tenant("Beta", connections={project: [dev, prod]})
    make_tenant("Off", connections={project: [dev]}, is_disabled=True)
    only_prod = make_tenant("Gamma", connections={project: [prod]})
    stream = Stream()
    make_release(project, "1.0.0")
    follow_phases(stream)

    def places(tenant: Tenant) -> list[str]:
        rows = Deployment.objects.in_space(default_space()).filter(tenant_number=tenant.pk)
        return [row.environment.name for row in rows.order_by("pk")]

    rows = Deployment.objects.in_space(default_space()).all()
    assert rows.count() == 3
    assert (places(acme), places(only_prod)) == (["Dev"], ["Prod"])
    first = rows.get(tenant_number=acme.pk)
    finish(first)
    record_success(first)
    follow_phases(stream)
    assert places(acme) == ["Dev", "Prod"]
    # The first tenant to succeed does not let the others through.
    assert rows.count() == 4


def record_success(row: Deployment) -> None:
    record(
        actor=SYSTEM,
        space=row.space,
        category="DeploymentSucceeded",
        message="It succeeded",
        subject=row.public_id,
        related=[row.release.public_id],
    )
