"""The editor of a process says what looks wrong with templates, and which names there are."""

import pytest

from agent.language.checking import KnownNames
from agent.language.filters import FILTERS
from deployments.execution.services.system_variables import system_variables
from deployments.library.models import LibraryVariableSet
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.projects.queries import process_of, read_process
from deployments.projects.template_names import OPEN_NAMES, SYSTEM_NAMES, TemplateNames
from tests.factories import SYSTEM, default_space, make_ana, make_ben, make_cleo
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.library import make_library_set
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
_BODY = "prop:Octopus.Action.Script.ScriptBody"
_TEMPLATE = {"Id": "url", "Name": "Tenant.Url"}


@pytest.fixture
def project() -> Project:
    project = make_project("Web", steps=[script_step(body="echo #{Prot}")])
    make_variables(project, VariableInput("Port", "80"))
    make_library_set("Shared", VariableInput("Database.Host", "db"), templates=[_TEMPLATE])
    make_library_set(
        "Common", VariableInput("Mail.Host", "mail"), templates=[_TEMPLATE], projects=[project]
    )
    return project


def test_the_names_are_those_of_the_project_its_sets_and_the_system(project: Project) -> None:
    ana = Visitor(make_ana())
    answer = ana.get(f"projects/{project.public_id}/process/names").json()
    names = answer["Names"]
    assert {name.lower() for name in answer["Filters"]} == set(FILTERS)
    assert names[:3] == ["Mail.Host", "Port", "Tenant.Url"]
    assert "Octopus.Environment.Name" in names
    assert "Database.Host" not in names
    assert (
        Visitor(make_cleo(default_space()))
        .get(f"projects/{project.public_id}/process/names")
        .status_code
        == 403
    )


def test_a_text_is_checked_while_it_is_typed(project: Project) -> None:
    ana = Visitor(make_ana())
    path = f"projects/{project.public_id}/process/check"
    said = text_of(ana.post(path, {_BODY: "#{Port} #{Octopus.Envt.Name} #{if Port}"}))
    assert "No variable is named Octopus.Envt.Name." in said
    assert "#{/if} is missing" in said
    assert text_of(ana.post(path, {_BODY: "#{Port} #{Tenant.Url | ToUpper}"})).strip() == ""
    assert text_of(ana.post(path, {})).strip() == ""
    book = make_runbook(project)
    of_book = f"projects/{project.public_id}/runbooks/{book.public_id}/process/check"
    assert "named Prot" in text_of(ana.post(of_book, {_BODY: "#{Prot}"}))


def test_values_get_the_same_help(project: Project) -> None:
    ana = Visitor(make_ana())
    path = f"projects/{project.public_id}/variables"
    assert ana.get(f"{path}/names").json()["Names"][:3] == ["Mail.Host", "Port", "Tenant.Url"]
    said = text_of(ana.post(f"{path}/check", {"value": "#{Prot | ToUper}"}))
    assert "No variable is named Prot." in said
    assert "There is no filter named ToUper." in said
    assert text_of(ana.post(f"{path}/check", {"value": "#{Port | ToUpper}"})).strip() == ""
    form = ana.get(path, {"add": ""}).content.decode()
    assert f'{path}/names" data-guard' in form
    assert "data-completes" in form


def test_values_of_a_set_know_what_is_in_it_and_call_no_name_unknown(project: Project) -> None:
    ana = Visitor(make_ana())
    row = LibraryVariableSet.objects.in_space(project.space).get(name="Shared")
    path = f"projects/library/{row.public_id}"
    assert ana.get(f"{path}/names").json()["Names"][:2] == ["Database.Host", "Tenant.Url"]
    said = text_of(ana.post(f"{path}/check", {"value": "#{Prot | ToUper} #{if Port}"}))
    assert "No variable" not in said
    assert "There is no filter named ToUper." in said
    assert "#{/if} is missing" in said


def test_it_says_what_a_text_would_become_there(project: Project) -> None:
    live, lab = make_environment("Live"), make_environment("Lab")
    machine = make_machine(live, name="web-01", roles=["web"])
    make_variables(
        project,
        VariableInput("Host", "live.example.com", scope={"Environment": [live.public_id]}),
        VariableInput("Host", "lab.example.com", scope={"Environment": [lab.public_id]}),
        VariableInput("Root", "/srv", scope={"Role": ["web"]}),
        VariableInput("Key", "hunter2", is_sensitive=True),
    )
    ana, path = Visitor(make_ana()), f"projects/{project.public_id}/variables/check"
    text = "#{Host | ToUpper} #{Root} #{Key} #{Octopus.Machine.Name} #{Octopus.Release.Number}"

    def shown(**place: str) -> str:
        return text_of(ana.post(path, {"value": text, **place}))

    assert "EXAMPLE" not in shown()
    there = shown(try_environment=live.public_id, try_target=machine.public_id)
    # What a release brings is not known yet, and stays.
    assert "Live on web-01: LIVE.EXAMPLE.COM /srv •••••••• web-01 #{Octopus.Release" in there
    assert "LAB.EXAMPLE.COM #{Root}" in shown(try_environment=lab.public_id)
    in_step = f"projects/{project.public_id}/process/check"
    sent = {_BODY: "echo #{Host}", "try_environment": lab.public_id}
    assert "Lab: echo lab.example.com" in text_of(ana.post(in_step, sent))
    broken = {"value": "#{Loop}", "try_environment": lab.public_id}
    make_variables(project, VariableInput("Loop", "#{Loop}"))
    assert "Loop" in text_of(ana.post(path, broken))


def test_nobody_tries_a_text_where_they_see_nothing(project: Project) -> None:
    live, here = make_environment("Live"), make_environment("Here")
    make_variables(
        project, VariableInput("Host", "live.example.com", scope={"Environment": [live.public_id]})
    )
    ben = Visitor(make_ben(default_space(), here.public_id))
    path = f"projects/{project.public_id}/variables/check"
    sent = {"value": "#{Host} #{Port}", "try_environment": live.public_id}
    assert "example" not in text_of(ben.post(path, sent))
    sent["try_environment"] = here.public_id
    assert "example" not in text_of(ben.post(path, sent))


def test_a_hidden_value_that_wins_gives_its_place_to_no_other(project: Project) -> None:
    live, here = make_environment("Live"), make_environment("Here")
    machine = make_machine(here, name="web-01", roles=["web"])
    both = {"Environment": [live.public_id], "Role": ["web"]}
    make_variables(
        project,
        VariableInput("Host", "here.example.com", scope={"Environment": [here.public_id]}),
        VariableInput("Host", "secret.example.com", scope={"Machine": [machine.public_id]}),
        VariableInput("Path", "/here", scope={"Environment": [here.public_id]}),
        VariableInput("Path", "/live", scope=both),
    )
    ben = Visitor(make_ben(default_space(), here.public_id))
    path = f"projects/{project.public_id}/variables/check"
    sent = {"value": "#{Host} #{Path}", "try_environment": here.public_id}
    assert "Here: here.example.com /here" in text_of(ben.post(path, sent))
    # The value for the target is in no environment of Ben's, and a deployment would use it.
    sent["try_target"] = machine.public_id
    assert "Here on web-01: #{Host} /here" in text_of(ben.post(path, sent))


def test_names_of_values_that_are_hidden_are_not_told(project: Project) -> None:
    live = make_environment("Live")
    make_variables(
        project, VariableInput("Secret.Plan", "x", scope={"Environment": [live.public_id]})
    )
    here = make_environment("Here")
    ben = make_ben(default_space(), here.public_id)
    path = f"projects/{project.public_id}/variables"
    names = Visitor(ben).get(f"{path}/names").json()["Names"]
    assert "Secret.Plan" not in names
    # Where some are hidden no name is called unknown: that would tell which are not.
    assert text_of(Visitor(ben).post(f"{path}/check", {"value": "#{Prot}"})).strip() == ""


def test_the_form_and_saving_it_warn(project: Project) -> None:
    ana = Visitor(make_ana())
    [(step, action)] = list(read_process(process_of(project)).actions())
    assert step.name == action.name
    path = f"projects/{project.public_id}/process"
    assert "No variable is named Prot." in text_of(ana.get(path, {"step": action.id}))
    sent = {
        "step": action.id,
        "version": process_of(project).version,
        "name": action.name,
        "condition": "Success",
        "prop:Octopus.Action.RunOnServer": "true",
        "prop:Octopus.Action.Script.ScriptSource": "Inline",
        "prop:Octopus.Action.Script.Syntax": "Bash",
        _BODY: "echo #{Hots}",
    }
    ana.post(f"{path}/save", sent)
    said = text_of(ana.get(path))
    assert "was saved" in said
    assert "No variable is named Hots." in said
    ana.post(f"{path}/save", {**sent, "version": process_of(project).version, _BODY: "#{Port}"})
    assert "No variable" not in text_of(ana.get(path))


def test_nothing_is_called_unknown_to_who_does_not_see_all(project: Project) -> None:
    staging, other = make_environment("Staging"), make_environment("Secret")
    scope = {"Environment": [other.public_id]}
    make_variables(project, VariableInput("Hidden", "x", scope=scope), VariableInput("Port", "80"))
    ben = make_ben(default_space(), staging.public_id)
    names = TemplateNames(ben.actor, project)
    assert "Hidden" not in names.names
    assert names.check("#{Hidden} #{Prot}") == []
    assert names.check("#{if Port}")[0].startswith("#{if Port} opens no block")
    assert TemplateNames(SYSTEM, project).check("#{Hidden} #{Prot}") == [
        "No variable is named Prot."
    ]


def test_all_that_a_deployment_and_a_run_know_is_known() -> None:
    known = KnownNames.of([*SYSTEM_NAMES, *OPEN_NAMES])
    place = make_environment("Test")
    project = make_project(lifecycle=make_lifecycle(place), steps=[script_step()])
    deployment = make_deployment(make_release(project), place, state="Success")
    runbook = make_runbook(project)
    make_snapshot(runbook)
    for row in (deployment, make_run(runbook, place)):
        names = system_variables(row, row.task)
        assert len(names) > 20
        assert [name for name in names if not known.has(name)] == []
