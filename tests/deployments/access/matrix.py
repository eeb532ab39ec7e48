"""A space with a thing of each kind, and people who hold one role each within some scope."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from deployments.access.actors import actor_of
from deployments.base.actor import Actor
from deployments.base.clock import utc_now
from deployments.base.models import Space
from deployments.execution.models import Artifact, Interruption
from deployments.infrastructure.models import MachinePolicy, WorkerPool
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from deployments.releases.services.freezes import FreezeInput, FreezePlace, create_freeze
from packages_feed.services.build_information import push_build_information
from tests.factories import SYSTEM, Person, default_space, give_role, make_ana, make_user
from tests.factories.audit import make_subscription
from tests.factories.automation import make_trigger
from tests.factories.certificates import make_certificate, site
from tests.factories.domain import (
    make_channel,
    make_deployment,
    make_environment,
    make_group,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
)
from tests.factories.execution import Scene, SettableClock, make_agent
from tests.factories.library import make_account, make_library_set
from tests.factories.packages import make_package
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.factories.tenants import make_tag_set, make_tenant

STEP = {
    "Name": "Approve",
    "Actions": [
        {
            "Name": "Approve",
            "ActionType": "Octopus.Manual",
            "Properties": {"Octopus.Action.Manual.Instructions": "Look"},
        }
    ],
}
DAILY = {"FilterType": "OnceDailySchedule", "StartTime": "2021-12-14T09:00:00Z", "Timezone": "UTC"}


@dataclass
class World:
    """Ids by the part of a path before them, and the scopes in and out of which people work."""

    space: Space
    ids: dict[str, str] = field(default_factory=dict)
    scopes: dict[str, Mapping[str, list[str]]] = field(default_factory=dict)


def make_matrix_world(ana: Person | None = None) -> World:
    """Make the things through the services, in the default space; Ana is made unless given."""
    space, world = default_space(), World(default_space())
    environment, elsewhere = make_environment("Inside"), make_environment("Outside")
    group, other_group = make_group("Inside"), make_group("Outside")
    lifecycle = make_lifecycle(environment, elsewhere)
    mode = {"TenantedDeploymentMode": "TenantedOrUntenanted"}
    project = make_project("Inside", group=group, lifecycle=lifecycle, steps=[STEP], extra=mode)
    other = make_project("Outside", group=other_group, lifecycle=lifecycle)
    tenant = make_tenant("Inside", connections={project: [environment]})
    nobody = make_tenant("Outside")
    library = make_library_set("Common", projects=[project])
    release = make_release(project, "1.0.0")
    deployment = make_deployment(release, environment, tenant=tenant)
    Scene(deployment, environment, [], SettableClock()).begin()
    task = deployment.task
    (question,) = Interruption.objects.in_space(space).filter(task=task)
    artifact = Artifact.objects.create(
        space=space, task=task, number=1, name="a.txt", size=0, created=utc_now()
    )
    runbook = make_runbook(project, "Inside", MultiTenancyMode="TenantedOrUntenanted")
    snapshot = make_snapshot(runbook)
    run = make_run(runbook, environment, tenant=tenant)
    package = make_package("Inside.Web", "1.0.0")
    build, _ = push_build_information(
        actor=SYSTEM, space=space, package_id="Inside.Web", version="1.0.0", document={}
    )
    now = utc_now()
    freeze = create_freeze(
        actor=SYSTEM,
        space=space,
        freeze=FreezeInput(
            "Inside", now, now + timedelta(days=1), [FreezePlace(project, elsewhere, None)]
        ),
    )
    action = {
        "ActionType": "DeployLatestRelease",
        "SourceEnvironmentIds": [environment.public_id],
        "DestinationEnvironmentId": environment.public_id,
    }
    trigger = make_trigger(project, DAILY, action)
    pool = WorkerPool.objects.in_space(space)[0]
    worker = create_worker(actor=SYSTEM, space=space, worker=WorkerInput("inside", pools=[pool]))
    document = (
        (ana or make_ana()).api.get(f"/api/{space.public_id}/releases/{release.public_id}").json()
    )
    machine = make_machine(environment, name="inside")
    make_agent(machine)
    world.ids = {
        "accounts": make_account("inside", environments=[environment]).public_id,
        "artifacts": artifact.public_id,
        "build-information": build.public_id,
        "certificates": make_certificate(
            "inside", data=site().pem, environments=[environment]
        ).public_id,
        "channels": make_channel(project, "Inside").public_id,
        "deploymentfreezes": freeze.public_id,
        "subscriptions": make_subscription().public_id,
        "deploymentprocesses": document["ProjectDeploymentProcessSnapshotId"],
        "deploymentprocesses owned": f"deploymentprocess-{project.public_id}",
        "deployments": deployment.public_id,
        "environments": environment.public_id,
        "feeds": "feeds-builtin",
        "interruptions": question.public_id,
        "libraryvariablesets": library.public_id,
        "lifecycles": lifecycle.public_id,
        "machinepolicies": MachinePolicy.objects.in_space(space)[0].public_id,
        "machines": machine.public_id,
        "packages": package.wire_id,
        "preview": environment.public_id,
        "progression": project.public_id,
        "projectgroups": group.public_id,
        "projects": project.public_id,
        "projecttriggers": trigger.public_id,
        "releases": release.public_id,
        "rerun": task.public_id,
        "retentionpolicies": f"LifecycleReleaseRetentionDefault-{space.public_id}",
        "runbookProcesses": f"RunbookProcess-{runbook.public_id}",
        "runbookRuns": run.public_id,
        "runbookSnapshots": snapshot.public_id,
        "runbooks": runbook.public_id,
        "scheduledprojecttriggers": trigger.public_id,
        "tagsets": make_tag_set("Inside").public_id,
        "tasks": task.public_id,
        "tenants": tenant.public_id,
        "triggers": trigger.public_id,
        "uploads": "of-somebody-else",
        "variables": document["ProjectVariableSetSnapshotId"],
        "variables owned": f"variableset-{project.public_id}",
        "variables libraryvariables": f"variableset-{library.public_id}",
        "variables librarysnapshot": document["LibraryVariableSetSnapshotIds"][0],
        "tenant": tenant.public_id,
        "package_id": package.package_id,
        "version": package.version,
        "workerpools": pool.public_id,
        "workers": worker.public_id,
    }
    world.scopes = {
        "everywhere": {},
        "in scope": {
            "project": [project.public_id],
            "environment": [environment.public_id],
            "tenant": [tenant.public_id],
        },
        "in groups": {"project_group": [group.public_id]},
        "out of scope": {
            "project": [other.public_id],
            "project_group": [other_group.public_id],
            "environment": [elsewhere.public_id],
            "tenant": [nobody.public_id],
        },
    }
    return world


def make_holder(role: str, space: Space | None, scope: Mapping[str, list[str]]) -> Actor:
    """Create a service account that holds the role there, and nothing else."""
    user = make_user(is_service=True)
    give_role(user, role, space, scope)
    return actor_of(user, "ApiKey")
