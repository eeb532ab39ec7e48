"""The catalogue of system variables: every name is told of, and those that are promised are there.

tests/agent/runner/test_own_variables.py looks at what agents add.
"""

import re
from datetime import UTC, datetime
from typing import Final

import pytest

from agent.language import evaluate
from agent.versions import Version
from deployments.execution.models import AgentMessage
from deployments.execution.services.advance import advance
from deployments.infrastructure.models import WorkerPool
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from deployments.library.services import VariableInput
from deployments.library.tenancy import Tenancy
from deployments.projects.services.lifecycles import LifecycleInput, PhaseInput, create_lifecycle
from deployments.projects.template_names import OPEN_NAMES, SYSTEM_NAMES
from deployments.releases.builds import build_variables
from deployments.releases.models import Deployment
from deployments.releases.numbering import number_from_template
from deployments.server_tasks.services import schedule
from packages_feed.build_links import told
from packages_feed.services import push_build_information
from tests.architecture.tree import code_modules
from tests.factories import SYSTEM, default_space
from tests.factories.domain import (
    make_channel,
    make_deployment,
    make_environment,
    make_machine,
    make_package,
    make_process,
    make_release,
    package_step,
    script_step,
)
from tests.factories.execution import Scene, SettableClock, make_agent, make_scene
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.factories.tenants import connect, make_tenant, make_tenanted_project
from tests.support.cases import cases, documented, general, system_variables

_BUILD: Final = {
    "BuildNumber": "7",
    "BuildUrl": "https://ci.example.com/7",
    "Branch": "main",
    "BuildEnvironment": "Other",
    "VcsType": "Git",
    "VcsRoot": "https://code.example.com/acme/web",
    "VcsCommitNumber": "0a1b2c3d4e",
    "Commits": [{"Id": "0a1b2c3d4e", "Comment": "Fix #12"}],
}


def missing(section: str, known: set[str]) -> list[str]:
    generals = {general(name) for name in known}
    names = documented(system_variables())[section]
    assert len(names) > 5
    return [name for name in names if general(name) not in generals]


def test_every_name_of_the_original_is_told_of() -> None:
    text = system_variables()
    told_of = {general(name) for name in re.findall(r"`(Octopus[^`]+)`", text)}
    assert [
        name for name in cases("system_variables", "catalogue") if general(name) not in told_of
    ] == []


def test_what_is_not_here_is_nowhere() -> None:
    code = "".join(module.text for module in code_modules())
    for name in documented(system_variables())["Not here"]:
        assert f'"{name}"' not in code, name


def test_every_switch_is_known_to_the_code() -> None:
    code = "".join(module.text for module in code_modules())
    for name in documented(system_variables())["Switches"]:
        last = name.rpartition(".")[2]
        assert f'{last}"' in code, name


def test_editors_know_what_is_documented() -> None:
    stems = [stem.lower() for stem in OPEN_NAMES]
    known = {name.lower() for name in SYSTEM_NAMES}
    for section in ("In every step", "In deployments", "In runs of runbooks", "From the agent"):
        for name in documented(system_variables())[section]:
            below = any(name.lower().startswith(f"{stem}{c}") for stem in stems for c in ".[")
            assert below or name.lower() in known or not name.startswith("Octopus."), name
    everything = {name for names in documented(system_variables()).values() for name in names}
    assert [name for name in SYSTEM_NAMES if name not in everything] == []


def test_templates_of_numbers_and_notes() -> None:
    version = Version.parse("1.2.3-beta.4")
    package = {"PackageId": "Acme.Web", "Version": "1.0.0", **told(_BUILD)}
    notes = build_variables([("Acme.Web", "1.0.0")], [package])
    for name in documented(system_variables())["In templates of numbers and notes"]:
        if name.startswith("Octopus.Release."):
            assert evaluate(f"#{{{name}}}", notes).errors == (), name
            continue
        number = number_from_template(
            f"1.0.0-x#{{{name}}}",
            used=[version],
            channel="Default",
            used_in_channels={"Default": [version]},
            variables={},
            now=datetime(2026, 5, 1, tzinfo=UTC),
        )
        assert "Octopus" not in number


def fill_release() -> tuple[Scene, Deployment]:
    """Deploy twice for a tenant; return the second deployment before it has begun."""
    place = make_environment("Production")
    keeps = {"Strategy": "Count", "Unit": "Items", "QuantityToKeep": 2}
    lifecycle = create_lifecycle(
        actor=SYSTEM,
        space=default_space(),
        lifecycle=LifecycleInput(
            "Kept", tentacle_retention=keeps, phases=[PhaseInput("Production", manual=[place])]
        ),
    )
    for version in ("1.0.0", "2.0.0"):
        make_package("Acme.Web", version)
        push_build_information(
            actor=SYSTEM,
            space=default_space(),
            package_id="Acme.Web",
            version=version,
            document=_BUILD,
            overwrite_mode="OverwriteExisting",
        )
    project = make_tenanted_project("Web", lifecycle=lifecycle)
    last = script_step("Last")
    last["Condition"] = "Always"
    last["Properties"] = {"Octopus.Action.TargetRoles": "web"}
    reference = {"Name": "Ref", "PackageId": "Acme.Web", "FeedId": "feeds-builtin"}
    last["Actions"][0]["Packages"] = [reference]
    make_process(project, package_step("Acme.Web", "First"), last)
    channel = make_channel(
        project, "Stable", extra={"CustomFieldDefinitions": [{"FieldName": "Ticket"}]}
    )
    tenant = make_tenant("Acme")
    connect(tenant, project, place)
    machine = make_machine(place, name="web-1", tenancy=Tenancy("Tenanted", [tenant.public_id]))
    make_agent(machine)
    pool = WorkerPool.objects.in_space(default_space()).get(is_default=True)
    make_agent(create_worker(actor=SYSTEM, space=default_space(), worker=WorkerInput("w1", [pool])))
    fields = {"Ticket": "7"}
    old = make_release(project, "1.0.0", channel=channel, custom_fields=fields)
    make_deployment(old, place, tenant=tenant, state="Success")
    new = make_release(project, "2.0.0", channel=channel, custom_fields=fields)
    deployment = make_deployment(new, place, tenant=tenant)
    return Scene(deployment, place, [machine], SettableClock()), deployment


@pytest.mark.django_db
def test_a_deployment_knows_all_that_is_promised() -> None:
    scene, _ = fill_release()
    scene.begin()
    known: dict[str, str] = {}
    while runs := scene.runs():
        for run in runs:
            is_first = run.execution.action_name == "First"
            known |= scene.variables(run)
            scene.accept(run)
            scene.start(run)
            if is_first:
                scene.output(run, "Value", "blue")
            scene.finish(run, exit_code=int(is_first))
        scene.advance()
    names = set(known)
    assert missing("In every step", names) == []
    assert missing("In deployments", names) == []
    assert known["Octopus.Worker.Name"] == "w1"
    assert known["Octopus.WorkerPool.Name"] == "Default Worker Pool"
    assert known["Octopus.Deployment.Targets[" + scene.machines[0].public_id + "].Name"] == "web-1"
    assert known["Octopus.Tentacle.CurrentDeployment.TargetedRoles"] == "web"
    assert known["Octopus.Step[First].Status.Code"] == "Failed"
    assert known["Octopus.Action[First].Status.Error"] in known["Octopus.Deployment.Error"]
    assert known["Octopus.Step.Status.Code"] == "Pending"


@pytest.mark.django_db
def test_a_run_knows_all_that_is_promised() -> None:
    place = make_environment("Production")
    make_agent(make_machine(place, name="web-1"))
    project = make_tenanted_project("Web", mode="Untenanted")
    runbook = make_runbook(project, "Clean", script_step(roles="web"))
    make_snapshot(runbook)
    run = make_run(runbook, place)
    clock = SettableClock()
    schedule(node_name="node-1", clock=clock)
    advance(run.task_id, clock=clock)
    (message,) = (
        AgentMessage.objects.in_space(run.space).filter(kind="run").select_related("execution")
    )
    known = Scene(None, place, [], clock).variables(message)  # type: ignore[arg-type]
    assert missing("In runs of runbooks", set(known)) == []
    assert known["Octopus.Web.RunbookSnapshotLink"].endswith(f"/snapshots/{run.snapshot.public_id}")


@pytest.mark.django_db
def test_values_that_fit_equally_well_are_told_of() -> None:
    def values(*more: VariableInput) -> list[VariableInput]:
        return [VariableInput("Port", "80"), VariableInput("port", "81"), *more]

    same = [VariableInput("Color", "red"), VariableInput("Color", "red")]
    told_of = make_scene(script_step(roles="web"), variables=lambda _: values(*same))
    [words] = warnings_of(told_of)
    assert words.startswith("Several values have the same scope here: Port. A value of the project")
    switch = VariableInput("OctopusSuppressDuplicateVariableWarning", "True")
    quiet = make_scene(script_step(roles="web"), variables=lambda _: values(switch))
    assert warnings_of(quiet) == []


def warnings_of(scene: Scene) -> list[str]:
    warnings: list[str] = scene.task.plan.document["warnings"]
    return list(warnings)
