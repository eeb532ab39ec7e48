"""The variables of a project as a deployment would see them, and templates tried with them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.projects.queries import process_of, process_of_runbook, read_process
from tests.factories import default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_environment,
    make_machine,
    make_process,
    make_project,
    make_variables,
    script_step,
)
from tests.factories.library import make_account
from tests.factories.people import make_holder
from tests.factories.runbooks import make_runbook
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PREVIEW, TESTER = "projects/web/variables/preview", "projects/web/variables/tester"


@pytest.fixture
def production() -> Environment:
    return make_environment("Production")


@pytest.fixture
def project(production: Environment) -> Project:
    project = make_project("Web", steps=[script_step("Migrate")])
    there = {"Environment": [production.public_id]}
    make_variables(
        project,
        VariableInput("Host", "localhost"),
        VariableInput("Host", "db.example.com", scope=there),
        VariableInput("Url", "https://#{Host}/#{Missing}"),
        VariableInput("Password", "s3cr3t", is_sensitive=True),
        VariableInput("Connection", "pw=#{Password}"),
        VariableInput("Loop", "#{Loop}"),
    )
    return project


def test_values_are_those_of_the_place(project: Project, production: Environment) -> None:
    machine = make_machine(production, name="web-1")
    ana = Visitor(make_ana())
    page = ana.get(PREVIEW, {"environment": production.public_id, "target": machine.public_id})
    text = text_of(page)
    assert "Host db.example.com localhost Project Web, everywhere" in text
    assert "Url https://db.example.com/#{Missing} Written as https://#{Host}/#{Missing}" in text
    assert "The following tokens were unable to be evaluated: '#{Missing}'" in text
    assert "Octopus.Environment.Name Production System" in text
    assert "Octopus.Machine.Roles web System" in text
    assert "s3cr3t" not in page.content.decode()
    assert "Connection pw=••••••••" in text
    elsewhere = text_of(ana.get(PREVIEW, {"q": "host"}))
    assert "Host localhost Project Web Everywhere" in elsewhere
    assert "Url" not in elsewhere


def test_parts_of_accounts_are_shown_to_who_may_see_them(project: Project) -> None:
    row = make_account(Username="shop", Password="s3cret-part")
    value = VariableInput("Db", row.public_id, kind="UsernamePasswordAccount")
    make_variables(project, value, VariableInput("Url", "#{Db.Username}@#{Db.Password}"))
    path = PREVIEW
    shown = text_of(Visitor(make_ana()).get(path))
    assert "Db.Username shop" in shown
    assert "Account Database" in shown
    assert "shop@\u2022" in shown
    assert "s3cret-part" not in shown
    assert "Db.Username shop" not in text_of(Visitor(make_cleo(default_space())).get(path))


def test_the_settings_of_the_step_are_variables(project: Project) -> None:
    step = script_step("Migrate", body="connect #{Host}")
    secret = {"HasValue": True, "NewValue": "pa55word"}
    step["Actions"][0]["Properties"] |= {"Host": "of the step", "Token": secret}
    make_process(project, step)
    process = read_process(process_of(project))
    asked = {"step": process.steps[0].actions[0].id}
    ana = Visitor(make_ana())
    page = ana.get(PREVIEW, asked)
    text = text_of(page)
    body = "Octopus.Action.Script.ScriptBody connect of the step Written as connect #{Host}"
    assert f"{body} Settings of the step step: Migrate" in text
    assert "Host of the step localhost Project Web, everywhere Settings of the step" in text
    assert "Token •••••••• Sensitive value Settings of the step" in text
    assert "pa55word" not in page.content.decode()
    tried = ana.post(f"{TESTER}?step={asked['step']}", {"template": "#{Host} #{Token}"})
    assert "of the step ••••••••" in text_of(tried)
    assert "Settings of the step" not in text_of(ana.get(PREVIEW))
    reader = make_holder(default_space(), "ProjectView", "VariableViewUnscoped")
    assert "Settings of the step" not in text_of(Visitor(reader).get(PREVIEW, asked))
    sees_it = make_holder(default_space(), "ProjectView", "VariableViewUnscoped", "ProcessView")
    assert "Settings of the step" in text_of(Visitor(sees_it).get(PREVIEW, asked))


def test_the_settings_of_a_runbook_s_step(project: Project) -> None:
    runbook = make_runbook(project, "Restart", script_step("Stop", body="halt"))
    (step,) = read_process(process_of_runbook(runbook)).steps
    asked = {"process": runbook.public_id, "step": step.actions[0].id}
    assert "ScriptBody halt Settings of the step" in text_of(
        Visitor(make_ana()).get(PREVIEW, asked)
    )
    reader = make_holder(default_space(), "ProjectView", "VariableViewUnscoped", "ProcessView")
    assert "halt" not in text_of(Visitor(reader).get(PREVIEW, asked))


def test_a_variable_that_refers_to_itself_says_so(project: Project) -> None:
    text = text_of(Visitor(make_ana()).get(PREVIEW, {"q": "loop"}))
    assert "Loop #{Loop}" in text
    assert "refer" in text


def test_a_value_that_the_reader_may_not_see_is_not_told(
    project: Project, production: Environment
) -> None:
    reader = make_holder(default_space(), "ProjectView", "VariableViewUnscoped", "EnvironmentView")
    page = Visitor(reader).get(PREVIEW, {"environment": production.public_id})
    assert "db.example.com" not in page.content.decode()
    assert "Host A value that you may not see localhost" in text_of(page)
    sent = {"template": "#{Host}"}
    answer = Visitor(reader).post(f"{TESTER}?environment={production.public_id}", sent)
    assert "db.example.com" not in answer.content.decode()
    assert "No value there for: #{Host}" in text_of(answer)


def test_a_template_is_tried(project: Project, production: Environment) -> None:
    ana, path = Visitor(make_ana()), f"{TESTER}?environment={production.public_id}"
    assert "Nothing tried yet" in text_of(ana.get(TESTER))
    sent = {"template": "#{Host | ToUpper} #{More} #{Password}", "extra": "More = yes\nnonsense"}
    answer = ana.post(path, sent)
    assert "DB.EXAMPLE.COM yes ••••••••" in text_of(answer)
    assert "Evaluated" in text_of(answer)
    assert "s3cr3t" not in answer.content.decode()
    for template, words in (
        ("#{Nothing}", "No value there for: #{Nothing}"),
        ("#{Loop}", "Cannot be evaluated"),
        ("#{if Host}x", "opens no block"),
        ("#{ | null}", "no value at all"),
        ("x" * 100_001, "at most 100000 characters"),
    ):
        assert words in text_of(ana.post(path, {"template": template})), template


def test_a_page_asks_as_often_for_many_as_for_few(project: Project) -> None:
    ana = Visitor(make_ana())
    ana.get(PREVIEW)
    with CaptureQueriesContext(connection) as few:
        ana.get(PREVIEW)
    make_variables(project, *(VariableInput(f"V{n}", f"#{{V{n - 1}}}") for n in range(200)))
    with CaptureQueriesContext(connection) as many:
        ana.get(PREVIEW)
    assert len(many) == len(few) <= 40


def test_another_space_has_no_such_page(project: Project) -> None:
    dan = Visitor(make_dan(make_space()))
    assert dan.get(PREVIEW).status_code == 404
    assert dan.post(TESTER, {"template": "x"}).status_code == 404
