"""The process editor."""

import re
from typing import Any

import pytest

from deployments.base.models import Event
from deployments.projects.models import Project
from deployments.projects.process import Process
from deployments.projects.queries import process_of, read_process
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_environment,
    make_package,
    make_project,
    make_release,
    package_step,
    script_step,
)
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db

SCRIPT = {
    "type": "Octopus.Script",
    "name": "Say hello",
    "prop:Octopus.Action.RunOnServer": "false",
    "prop:Octopus.Action.Script.ScriptSource": "Inline",
    "prop:Octopus.Action.Script.Syntax": "Bash",
    "prop:Octopus.Action.Script.ScriptBody": "echo one\r\necho two",
    "roles": "web, db",
    "condition": "Success",
}


def _process(project: Project) -> Process:
    return read_process(process_of(project))


def _path(project: Project, more: str = "") -> str:
    return f"projects/{project.public_id}/process{more}"


def _version(project: Project) -> dict[str, Any]:
    return {"version": process_of(project).version}


def _id(project: Project, name: str) -> str:
    return next(action.id for _, action in _process(project).actions() if action.name == name)


def test_a_script_is_added_from_the_catalogue() -> None:
    project = make_project()
    ana = Visitor(make_ana())
    assert "No steps yet" in text_of(ana.get(_path(project)))
    offered = text_of(ana.get(_path(project, "/add")))
    names = ("Script", "Run a Script", "Package", "Deploy a Package", "Other", "Health Check")
    places = [offered.index(name, offered.index("What shall")) for name in names]
    assert places == sorted(places)
    form = ana.get(_path(project), {"type": "Octopus.Script"})
    assert "New step: Run a Script" in text_of(form)
    answer = ana.post(_path(project, "/save"), {**SCRIPT, **_version(project)})
    assert answer.status_code == 302
    [step] = _process(project).steps
    [action] = step.actions
    assert step.target_roles == ("web", "db")
    assert action.text("Octopus.Action.Script.ScriptBody") == "echo one\necho two"
    assert action.action_type == "Octopus.Script"


def test_what_is_missing_is_said_and_what_was_typed_stays() -> None:
    project = make_project()
    ana = Visitor(make_ana())
    sent = {**SCRIPT, "name": "", "roles": "", "prop:Octopus.Action.Script.ScriptBody": ""}
    answer = ana.post(_path(project, "/save"), {**sent, **_version(project), "notes": "kept"})
    text = text_of(answer)
    assert answer.status_code == 400
    for sentence in ("Name is required.", "Script is required.", "Name the target tags"):
        assert sentence in text
    assert "kept" in text
    on_worker = {**SCRIPT, "roles": "", "prop:Octopus.Action.RunOnServer": "true"}
    assert ana.post(_path(project, "/save"), {**on_worker, **_version(project)}).status_code == 302


def test_a_package_step_keeps_its_reference_and_features() -> None:
    make_package("Acme.Web", "1.0.0")
    environment = make_environment("Production")
    project = make_project()
    ana = Visitor(make_ana())
    sent = {
        "type": "Octopus.TentaclePackage",
        "name": "Deploy",
        "prop:Octopus.Action.Package.PackageId": "Acme.Web",
        "prop:Octopus.Features.SubstituteInFiles": "True",
        "prop:Octopus.Features.CustomScripts": "True",
        "prop:Octopus.Action.SubstituteInFiles.TargetFiles": "*.json",
        "prop:Octopus.Action.CustomScripts.PostDeploy.sh": "systemctl restart web",
        "roles": "web",
        "environment_rule": "only",
        "environments": [environment.public_id],
        **_version(project),
    }
    assert ana.post(_path(project, "/save"), sent).status_code == 302
    [step] = _process(project).steps
    [action] = step.actions
    [package] = action.packages
    assert (package.package_id, package.feed_id) == ("Acme.Web", "feeds-builtin")
    assert action.environments == (environment.public_id,)
    on = "Octopus.Features.CustomScripts,Octopus.Features.SubstituteInFiles"
    assert action.text("Octopus.Action.EnabledFeatures") == on
    shown = ana.get(_path(project), {"step": action.id})
    assert 'value="Acme.Web"' in shown.content.decode()
    assert _is_checked(shown, "SubstituteInFiles")
    assert not _is_checked(shown, "JsonConfigurationVariables")
    assert "only Production" in text_of(shown)


def _is_checked(page: Any, feature: str) -> bool:
    found = re.search(rf'name="prop:Octopus.Features.{feature}"[^>]*>', page.content.decode())
    assert found
    return " checked" in found[0]


def test_features_that_older_clients_switched_on() -> None:
    make_package("Acme.Web", "1.0.0")
    first = package_step("Acme.Web", "Deploy")
    first["Actions"][0]["Properties"] |= {
        "Octopus.Action.SubstituteInFiles.Enabled": "True",
        "Octopus.Action.SubstituteInFiles.TargetFiles": "*.json",
        "Octopus.Action.CustomScripts.Deploy.sh": "echo hello",
    }
    project = make_project(steps=[first])
    [(_, before)] = _process(project).actions()
    ana = Visitor(make_ana())
    shown = ana.get(_path(project), {"step": before.id})
    assert _is_checked(shown, "SubstituteInFiles")
    assert _is_checked(shown, "CustomScripts")
    sent = {
        "type": "Octopus.TentaclePackage",
        "step": before.id,
        "name": "Deploy",
        "roles": "web",
        "prop:Octopus.Action.Package.PackageId": "Acme.Web",
        "prop:Octopus.Action.CustomScripts.Deploy.sh": "echo hello",
        "prop:Octopus.Features.JsonConfigurationVariables": "True",
    }
    refused = ana.post(_path(project, "/save"), {**sent, **_version(project)})
    assert refused.status_code == 400
    assert "Files with structure is required." in text_of(refused)
    sent["prop:Octopus.Action.Package.JsonConfigurationVariablesTargets"] = "*.yml"
    assert ana.post(_path(project, "/save"), {**sent, **_version(project)}).status_code == 302
    [(_, after)] = _process(project).actions()
    on = "Octopus.Features.JsonConfigurationVariables"
    assert after.text("Octopus.Action.EnabledFeatures") == on
    assert "Octopus.Action.SubstituteInFiles.Enabled" not in after.properties
    assert after.text("Octopus.Action.CustomScripts.Deploy.sh") == "echo hello"


def test_editing_keeps_what_the_form_does_not_show() -> None:
    first = script_step("First", roles="web")
    first["Actions"][0]["Properties"]["Custom.Unknown"] = "kept"
    first["Actions"][0]["Properties"]["Custom.Secret"] = {"NewValue": "s3cr3t"}
    project = make_project(steps=[first])
    before = next(iter(_process(project).actions()))[1]
    ana = Visitor(make_ana())
    sent = {**SCRIPT, "name": "Renamed", "step": before.id, **_version(project)}
    assert ana.post(_path(project, "/save"), sent).status_code == 302
    step, action = next(iter(_process(project).actions()))
    assert (step.name, action.name, action.id) == ("Renamed", "Renamed", before.id)
    assert action.text("Custom.Unknown") == "kept"
    assert action.properties["Custom.Secret"] == before.properties["Custom.Secret"]
    assert "s3cr3t" not in ana.get(_path(project), {"step": action.id}).content.decode()


def test_steps_move_switch_and_go() -> None:
    project = make_project(steps=[script_step("A"), script_step("B"), package_step("Acme", "C")])
    ana = Visitor(make_ana())

    def change(name: str, what: str) -> None:
        sent = {"step": _id(project, name), "what": what, **_version(project)}
        assert ana.post(_path(project, "/change"), sent).status_code == 302

    def names() -> list[str]:
        return [step.name for step in _process(project).steps]

    change("C", "up")
    assert names() == ["A", "C", "B"]
    change("A", "down")
    assert names() == ["C", "A", "B"]
    change("A", "disable")
    assert "1 disabled" in text_of(ana.get(_path(project)))
    change("A", "enable")
    change("C", "remove")
    assert names() == ["A", "B"]


def test_parallel_steps_are_a_bracket_and_the_first_never_starts_with_another() -> None:
    second = {**script_step("B"), "StartTrigger": "StartWithPrevious"}
    project = make_project(steps=[script_step("A"), second])
    ana = Visitor(make_ana())
    assert "In parallel" in text_of(ana.get(_path(project)))
    sent = {"step": _id(project, "B"), "what": "up", **_version(project)}
    ana.post(_path(project, "/change"), sent)
    triggers = [step.start_trigger for step in _process(project).steps]
    assert triggers == ["StartAfterPrevious", "StartAfterPrevious"]


def test_a_change_meanwhile_is_a_conflict_and_loses_nothing() -> None:
    project = make_project(steps=[script_step("A")])
    ana = Visitor(make_ana())
    old = _version(project)
    ana.post(_path(project, "/save"), {**SCRIPT, **old})
    answer = ana.post(_path(project, "/save"), {**SCRIPT, "name": "Mine", **old})
    assert answer.status_code == 400
    assert "changed by somebody else" in text_of(answer)
    assert b'value="Mine"' in answer.content
    ana.post(_path(project, "/change"), {"step": _id(project, "A"), "what": "remove", **old})
    assert "changed by somebody else" in text_of(ana.get(_path(project)))
    assert len(_process(project).steps) == 2


def test_a_note_says_what_a_change_is_about() -> None:
    project = make_project("Web", steps=[script_step("Say")])
    release = make_release(project, "1.0.0")
    ana = Visitor(make_ana())
    step = {"step": _id(project, "Say"), **SCRIPT, "name": "Say"}
    sent = {**step, **_version(project), "change_note": " Greet <everybody> "}
    assert ana.post(_path(project, "/save"), sent).status_code == 302
    page = text_of(ana.get(_path(project)))
    assert "Note: “Greet <everybody>”" in page.replace("&lt;", "<").replace("&gt;", ">")
    switched = {"step": step["step"], "what": "disable", **_version(project)}
    assert ana.post(_path(project, "/change"), switched).status_code == 302
    version = process_of(project).version
    assert f"Last note, on version {version - 1}: “Greet" in text_of(ana.get(_path(project)))
    compared = text_of(ana.get(f"projects/web/releases/compare?from={release.version}&to=now"))
    assert "Greet <everybody>" in compared.replace("&lt;", "<").replace("&gt;", ">")
    event = Event.objects.filter(subject_id=process_of(project).public_id).order_by("pk")[1]
    assert {"property": "Note", "before": None, "after": "Greet <everybody>"} in event.changes
    long = {**step, **_version(project), "change_note": "x" * 1001}
    refused = ana.post(_path(project, "/save"), long)
    assert "has at most 1000 characters" in text_of(refused)
    assert process_of(project).version == version


def test_clients_send_a_note_with_the_process() -> None:
    project, ana = make_project("Web", steps=[script_step("Say")]), make_ana()
    path = f"/api/Spaces-1/deploymentprocesses/{process_of(project).public_id}"
    body = {**ana.api.get(path).json(), "ChangeDescription": "By the pipeline"}
    assert ana.api.put(path, body, content_type="application/json").status_code == 200
    note = process_of(project).notes.get()
    assert (note.version, note.text) == (process_of(project).version, "By the pipeline")


def test_others_see_what_they_may() -> None:
    space = default_space()
    project = make_project(steps=[script_step("A")])
    ben, cleo = Visitor(make_ben(space)), Visitor(make_cleo(space))
    dan = Visitor(make_dan(make_space()))
    query = {"step": _id(project, "A")}
    sent = {**query, "what": "remove", **_version(project)}
    assert "Save step" in text_of(ben.get(_path(project), query))
    assert "Save step" not in text_of(cleo.get(_path(project), query))
    assert cleo.post(_path(project, "/change"), sent).status_code == 403
    assert cleo.get(_path(project, "/add")).status_code == 403
    for path in ("", "/add"):
        assert dan.get(_path(project, path)).status_code == 404
    assert dan.post(_path(project, "/change"), sent).status_code == 404
    assert ben.post(_path(project, "/change"), sent).status_code == 302
