"""A server's worth of projects, releases, deployments and logs, made through the services."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from agent.contracts.spool import STDERR, STDOUT, Frame
from deployments.access.actors import actor_of
from deployments.access.models import User
from deployments.base.actor import Actor
from deployments.base.models import Event
from deployments.execution.logs.append import append_output
from deployments.execution.models import ActionExecution, AgentMessage, Interruption
from deployments.execution.services.artifacts import receive_piece
from deployments.execution.services.interruptions import submit
from deployments.infrastructure.models import AgentSession, Environment, WorkerPool
from deployments.infrastructure.queries import machines_of_environment
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from deployments.insights.services.outcomes import CATEGORIES, follow_ends
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.projects.services.lifecycles import PhaseInput
from deployments.releases.models import Deployment, Release
from deployments.releases.services import DeploymentOptions, create_deployment, create_release
from packages_feed.services import push_build_information
from packages_feed.services.external_feeds import FeedValues, create_feed
from tests.browser.samples.audit import keep_events, make_subscription
from tests.browser.samples.packages import push_tools
from tests.browser.samples.tenants import make_tenants
from tests.browser.samples.triggers import make_triggers
from tests.factories import SYSTEM, default_space, domain
from tests.factories.execution import Scene, SettableClock, make_agent
from tests.factories.library import include

_MACHINES: Final = {
    "Development": ["web-dev"],
    "Test": ["web-test"],
    "Staging": ["web-stg-01", "web-stg-02"],
    "Production": ["web-01", "web-02", "web-03"],
}
# Group, project, release -> its deployments in the order of the environments:
# s success, f failure, g failure with a question about it, r running, w waiting for an agent
# that is away, q queued.
_PROJECTS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "Payments": {
        "Ledger": {"11.0.3": "ssss", "11.0.4": "ss"},
        "Payments Gateway": {"3.5.9": "ssss", "3.6.0": "ssr"},
    },
    "Platform": {
        "Edge Proxy": {"2026.3.1": "ssss", "2026.4.0": "ssg"},
        "Identity Service": {"9.0.6": "ssss", "9.1.0": "sssw"},
    },
    "Storefront": {
        "Checkout API": {"4.12.0": "ssss", "4.13.0": "ssf"},
        "Price Approval": {"1.8.0": "ssq"},
        "Search Indexer": {"2.38.6": "sss", "2.39.0": "s", "2.40.1": "f"},
        "Storefront Web": {"7.2.4": "ssss", "7.3.0": "sssq"},
    },
}
_WITH_QUESTION: Final = "Price Approval"
_WITH_CHANNEL: Final = "Checkout API"
_WITH_TRIGGERS: Final = "Storefront Web"
_NOTES: Final = (
    "New basket with saved delivery slots, behind `Feature.NewBasket`.\n\n"
    "- Basket keeps its delivery slot for 30 minutes\n"
    "- Images are served as AVIF where the browser can\n"
    "- **Fixed**: totals off by one cent on split payments\n"
)
_LINES: Final = (
    "Acquiring the package from the built-in feed",
    "Delta against the version before: \x1b[32m1.8 MB of 64.2 MB\x1b[0m to transfer",
    "Extracting the package",
    "Substituting variables in \x1b[36mappsettings.json\x1b[0m, 14 values",
    "Database:Password = ********",
    "Stopping the service on MACHINE",
    "Service stopped in \x1b[33m1.2 s\x1b[0m",
    "Writing unit file, 1 line changed",
    "Starting the service on MACHINE",
)
_FAILING: Final = (
    "Job for the service on MACHINE failed: start timed out after 30 s",
    "bind 0.0.0.0:8443: address already in use (held by pid 4127)",
    "The step failed on MACHINE with exit code 1",
)


def fill() -> None:
    """Make everything."""
    manager = actor_of(User.objects.order_by("pk")[0], "Session")
    places = {name: domain.make_environment(name) for name in _MACHINES}
    _add_feed()
    push_tools()
    make_subscription(manager)
    for name, machines in _MACHINES.items():
        for machine in machines:
            make_agent(domain.make_machine(places[name], name=machine, roles=["web"]))
    _make_worker(places["Test"])
    lifecycle = domain.make_lifecycle(
        *(PhaseInput(place.name, manual=[place]) for place in places.values()), name="Standard"
    )
    make_tenants(places, lifecycle, manager)
    for group_name, projects in _PROJECTS.items():
        group = domain.make_group(group_name)
        for name, versions in projects.items():
            package = name.replace(" ", ".")
            asks = name == _WITH_QUESTION
            project = domain.make_project(
                name, lifecycle=lifecycle, group=group, steps=_steps(package, asks=asks)
            )
            domain.make_variables(project, *_variables(places))
            if name == _WITH_TRIGGERS:
                include(project, "LibraryVariableSets-1")
            for version, states in versions.items():
                domain.make_package(package, version)
                _tell_about_build(package, version)
                is_latest = version == list(versions)[-1]
                days = 0.5 if is_latest else 7
                release = create_release(
                    actor=manager,
                    project=project,
                    version=version,
                    notes=_NOTES,
                    clock=_ago(days * 24),
                )
                for hours, place, state in zip((9, 5, 2, 0), places.values(), states, strict=False):
                    clock = _ago(hours + (0 if is_latest else 150) + 0.1)
                    _deploy(manager, release, place, state, clock)
            domain.make_variables(project, *_variables(places, changed=True))
            if name == _WITH_CHANNEL:
                _open_early_access(project)
            if name == _WITH_TRIGGERS:
                make_triggers(project, places, manager)
    for event in Event.objects.filter(category__in=CATEGORIES).order_by("pk"):
        follow_ends(event)
    keep_events()


def _add_feed() -> None:
    """Add an external feed, which is not asked."""
    values = FeedValues("Maven Central", "https://repo.maven.apache.org/maven2", "build", "sesame")
    create_feed(actor=SYSTEM, space=default_space(), feed_type="Maven", values=values)


def _tell_about_build(package: str, version: str) -> None:
    """Push what a build server would."""
    push_build_information(
        actor=SYSTEM,
        space=default_space(),
        package_id=package,
        version=version,
        document={
            "BuildEnvironment": "Jenkins",
            "BuildNumber": "288",
            "BuildUrl": "https://ci.example.com/job/288",
            "Branch": "main",
            "VcsType": "Git",
            "VcsRoot": "https://code.example.com/acme/shop.git",
            "VcsCommitNumber": "9f2c41d07be1",
            "Commits": [
                {"Id": "9f2c41d07be1", "Comment": "Keep the delivery slot for 30 minutes (#418)"},
                {"Id": "41b7e0a55c3d", "Comment": "Round split payments once, fixes #402"},
            ],
        },
    )


def _open_early_access(project: Project) -> None:
    """Give the project a second channel with a rule and a field."""
    package = {"DeploymentAction": "Deploy Checkout.API", "PackageReference": ""}
    domain.make_channel(
        project,
        "Early access",
        rules=[{"VersionRange": "", "Tag": "^beta", "ActionPackages": [package]}],
        extra={"CustomFieldDefinitions": [{"FieldName": "Ticket", "Description": "The change"}]},
    )


def _ago(hours: float) -> SettableClock:
    clock = SettableClock()
    clock.forward(-3600 * hours)
    return clock


def _make_worker(environment: Environment) -> None:
    pool = WorkerPool.objects.in_space(environment.space).get(is_default=True)
    worker = WorkerInput(name="worker-01", pools=[pool])
    make_agent(create_worker(actor=SYSTEM, space=environment.space, worker=worker))


def _steps(package: str, *, asks: bool) -> list[dict[str, Any]]:
    question = {
        "Name": "Approve the prices",
        "Actions": [
            {
                "Name": "Approve the prices",
                "ActionType": "Octopus.Manual",
                "Properties": {
                    "Octopus.Action.Manual.Instructions": "Compare the **new prices** with the"
                    " list of the buyers, then proceed.",
                },
            }
        ],
    }
    return [
        domain.script_step("Check database backup", body="echo checked"),
        *([question] if asks else []),
        domain.package_step(package, f"Deploy {package}"),
        domain.script_step("Check health endpoint", roles="web", body="echo ok"),
        domain.script_step("Notify channel", body="echo sent"),
    ]


def _variables(
    places: Mapping[str, Environment], *, changed: bool = False
) -> Sequence[VariableInput]:
    production = {"Environment": [places["Production"].public_id]}
    return (
        VariableInput(name="Cache.Ttl", value="120" if changed else "300", scope=production),
        VariableInput(name="Database.Host", value="db.internal"),
        VariableInput(
            name="Database.Password",
            value="correct horse" if changed else "battery staple",
            is_sensitive=True,
        ),
        *([VariableInput(name="Feature.NewBasket", value="true")] if changed else []),
    )


def _deploy(
    actor: Actor, release: Release, environment: Environment, state: str, clock: SettableClock
) -> None:
    deployment = create_deployment(
        actor=actor,
        release=release,
        environment=environment,
        options=DeploymentOptions(use_guided_failure=state == "g"),
        clock=clock,
    )
    if state == "q" and release.project.name != _WITH_QUESTION:
        return
    machines = list(machines_of_environment(environment.space, environment))
    scene = Scene(deployment, environment, machines, clock)
    scene.begin()
    _carry_out(scene, state)


def _carry_out(scene: Scene, state: str) -> None:
    rounds = {"r": 3, "w": 2}.get(state, 20)
    for number in range(rounds):
        if state != "q":
            _approve(scene)
        runs = scene.runs()
        if not runs:
            return
        scene.accept(*runs)
        scene.start(*runs)
        for run in runs:
            write_lines(run.execution, _LINES)
            _set_outputs(scene, run)
        scene.clock.forward(7 + number)
        if state == "r" and number == rounds - 1:
            return
        for run in runs:
            fails = state in "fg" and number == 2 and run == runs[-1]
            if fails:
                write_lines(run.execution, _FAILING, stream=STDERR)
                _hand_over(run, "diagnostics.txt", b"what the service wrote\n" * 2000)
            scene.finish(run, exit_code=1 if fails else 0)
        scene.advance()
    if state == "w":
        sessions = AgentSession.objects.filter(agent=scene.runs()[-1].agent_id)
        sessions.update(disconnected=scene.clock())


def _set_outputs(scene: Scene, run: AgentMessage) -> None:
    folder = f"/srv/apps/{run.execution.action_name.lower()}/current"
    scene.output(run, "InstallationDirectory", folder)
    if scene.machines[0].name == run.execution.target_name:
        scene.output(run, "WarmUpReport", "GET / 200 in 41 ms\n" * 40)
        scene.output(run, "SessionToken", "sesame", sensitive=True)


def _hand_over(run: AgentMessage, name: str, content: bytes) -> None:
    receive_piece(run, 1, name=name, start=0, total=len(content), pieces=[content])


def _approve(scene: Scene) -> None:
    """Answer what a deployment asks."""
    rows = Interruption.objects.in_space(scene.deployment.space).filter(
        task=scene.deployment.task_id, is_pending=True, kind="ManualIntervention"
    )
    for question in rows:
        submit(actor=SYSTEM, interruption=question, result="Proceed", clock=scene.clock)
        scene.begin()


def running_scene() -> Scene:
    """Return the deployment whose scripts run."""
    rows = Deployment.objects.unscoped(reason="sample").filter(
        task__state="Executing", project__name="Payments Gateway"
    )
    deployment = rows.select_related("space", "environment").order_by("pk")[0]
    machines = list(machines_of_environment(deployment.space, deployment.environment))
    return Scene(deployment, deployment.environment, machines, SettableClock())


def write_lines(execution: ActionExecution, lines: Sequence[str], *, stream: int = STDOUT) -> None:
    """Append lines to the log of an execution."""
    row = ActionExecution.objects.unscoped(reason="sample").get(pk=execution.pk)
    frames, offset = [], row.log_length
    start = time.time_ns() // 1_000_000
    for number, text in enumerate(lines):
        payload = text.replace("MACHINE", execution.target_name).encode() + b"\n"
        frames.append(Frame(stream, start + number * 400, offset, payload))
        offset += len(payload)
    append_output({execution.pk: frames})
