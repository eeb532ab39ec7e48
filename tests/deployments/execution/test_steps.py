"""The step types: what they refuse, what they send, and the mail over a real SMTP server."""

from typing import Any

import pytest

from deployments.access import services
from deployments.base.settings_rows import set_setting
from deployments.execution.services.server_actions import run_server_action
from deployments.execution.states import ExecutionState
from deployments.execution.steps import StepType, all_step_types, find_step_type
from deployments.execution.variables import Variables
from deployments.server_tasks.states import TaskState
from tests.deployments.execution.smtp_server import smtp_server
from tests.factories.domain import make_package, package_step, script_step
from tests.factories.execution import Scene, make_scene
from tests.factories.people import SYSTEM, make_user

EMAIL = "Octopus.Action.Email"


def variables(**texts: str) -> Variables:
    result = Variables()
    result.update({name.replace("_", "."): text for name, text in texts.items()})
    return result


def step_type(action_type: str) -> StepType:
    found = find_step_type(action_type)
    assert found is not None
    return found


def test_every_folder_is_a_step_type_with_a_form() -> None:
    types = {step.action_type: step for step in all_step_types()}
    assert set(types) >= {
        "Octopus.Script",
        "Octopus.TentaclePackage",
        "Octopus.Manual",
        "Octopus.Email",
        "Octopus.DeployRelease",
        "Octopus.HealthCheck",
        "Octopus.TransferPackage",
    }
    for step in types.values():
        ways = [bool(step.command), bool(step.run), bool(step.ask), bool(step.begin)]
        assert ways.count(True) == 1
        assert step.name
        assert step.summary.endswith(".")
        names = [entry.name for entry in step.properties]
        assert len(names) == len(set(names))
        for entry in step.properties:
            assert entry.label
            assert bool(entry.options) is (entry.kind == "select")
            if entry.shown_when:
                assert entry.shown_when[0] in names
    assert find_step_type("Octopus.Unheard") is None


@pytest.mark.parametrize(
    ("action_type", "given", "words"),
    [
        ("Octopus.Script", {}, "empty"),
        ("Octopus.Script", {"Syntax": "CSharp", "ScriptBody": "x"}, "CSharp"),
        ("Octopus.Script", {"ScriptSource": "Package"}, "file name"),
        ("Octopus.Script", {"ScriptSource": "GitRepository"}, "GitRepository"),
        ("Octopus.Script", {"Syntax": "python", "ScriptBody": "print(1)"}, ""),
        ("Octopus.TentaclePackage", {}, "no package"),
        ("Octopus.Email", {}, "no recipient"),
    ],
)
def test_what_cannot_run_says_why(action_type: str, given: dict[str, str], words: str) -> None:
    values = variables()
    values.update({f"Octopus.Action.Script.{name}": text for name, text in given.items()})
    reason = step_type(action_type).check(values)
    assert words in reason
    assert bool(words) is bool(reason)


@pytest.mark.django_db
def test_a_package_step_names_its_bytes() -> None:
    make_package("Acme.Web", "1.2.3")
    step = package_step("Acme.Web")
    step["Actions"][0]["Properties"] = {"Octopus.Action.CustomScripts.PostDeploy.sh": "echo done"}
    scene = make_scene(step)
    scene.finish(*scene.runs())
    scene.advance()
    (run,) = scene.runs()
    assert run.header["kind"] == "deploy_package"
    (package,) = scene.spec(run)["packages"]
    assert (package["package_id"], package["version"]) == ("Acme.Web", "1.2.3")
    assert (package["name"], package["extension"], package["extract"]) == ("", ".zip", True)
    assert run.header["packages"] == [package["sha256"]]
    values = scene.variables(run)
    assert values["Octopus.Action.Package.PackageVersion"] == "1.2.3"
    assert values["Octopus.Action.EnabledFeatures"] == "Octopus.Features.CustomScripts"


@pytest.mark.django_db
def test_an_unknown_step_type_fails_with_its_name() -> None:
    step = script_step("Odd", roles="web")
    step["Actions"][0]["ActionType"] = "Octopus.AzurePowerShell"
    scene = make_scene(step)
    assert scene.state() == TaskState.FAILED
    assert "Octopus.AzurePowerShell" in scene.rows()[0].error_message


def email_step(**properties: str) -> dict[str, Any]:
    values = {f"{EMAIL}.{name}": text for name, text in properties.items()}
    action = {"Name": "Mail", "ActionType": "Octopus.Email", "Properties": values}
    return {"Name": "Mail", "Condition": "Always", "Actions": [action]}


def run_mail(scene: Scene) -> None:
    (pending,) = [row for row in scene.rows() if row.state == ExecutionState.PENDING]
    run_server_action(pending.pk)
    scene.advance()


@pytest.mark.django_db
def test_mail_is_sent_once_to_each_address() -> None:
    team = services.create_team(
        actor=SYSTEM, space=None, name="Operators", members=[make_user("cleo")]
    )
    team.users.update(email="cleo@example.org")
    body = "#{each step in Octopus.Step}#{step}:#{step.Status.Code} #{/each}"
    scene_step = email_step(
        To="Ana@example.org, ana@example.org; ben@example.org",
        ToTeamIds=team.public_id,
        Subject="Release #{Octopus.Release.Number}\nBcc: x@example.org",
        Body=body,
        IsHtml="True",
    )
    with smtp_server() as mailbox:
        for name, value in {
            "host": "127.0.0.1",
            "port": mailbox.port,
            "from": "o@example.org",
        }.items():
            set_setting(f"smtp.{name}", value)
        scene = make_scene(script_step("First", roles="web"), scene_step)
        scene.finish(*scene.runs())
        scene.advance()
        run_mail(scene)
        run_server_action(scene.rows()[-1].pk)
    assert [address for address, _ in mailbox.mails] == [
        "Ana@example.org",
        "ben@example.org",
        "cleo@example.org",
    ]
    message = mailbox.mails[0][1]
    assert message["Subject"] == "Release 1.0.0 Bcc: x@example.org"
    assert message["Bcc"] is None
    assert message.get_content_type() == "text/html"
    assert "First:Succeeded" in str(message.get_payload())
    assert scene.state() == TaskState.SUCCESS


@pytest.mark.django_db
def test_mail_that_cannot_be_sent_fails_with_the_reason() -> None:
    scene = make_scene(email_step(To="ana@example.org", Subject="s", Body="b"))
    run_mail(scene)
    assert "no SMTP server is set up" in scene.rows()[0].error_message
    assert scene.state() == TaskState.FAILED
    with smtp_server(frozenset({"gone@example.org"})) as mailbox:
        for name, value in {
            "host": "127.0.0.1",
            "port": mailbox.port,
            "from": "o@example.org",
        }.items():
            set_setting(f"smtp.{name}", value)
        scene = make_scene(email_step(To="gone@example.org", Subject="s", Body="b"))
        run_mail(scene)
    assert "no such user" in scene.rows()[0].error_message
