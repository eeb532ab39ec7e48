"""Variables that nothing names, and texts that name what does not exist."""

import time

import pytest

from deployments.library.services import VariableInput
from deployments.projects.variable_findings import Place, unused
from tests.factories import default_space, make_ana
from tests.factories.domain import make_project, make_variables, script_step
from tests.factories.people import make_holder
from tests.factories.runbooks import make_runbook
from tests.support.portal import Visitor, text_of

PATH = "projects/web/variables/findings"


@pytest.mark.parametrize(
    ("name", "text", "is_unused"),
    [
        ("Host", "#{Host}", False),
        ("Host", "get_octopusvariable 'HOST'", False),
        ("Host", "#{HostName} #{Db.Host}", True),
        ("Db.Host", "#{Db.Host | ToLower}", False),
        ("Servers[web]", "#{each s in Servers}#{s}#{/each}", False),
        ("Host", "", True),
        ("Db.Host", "#{Db}.Host", True),
        ("Db.Host", "Db.Hosts, Db.Host", False),
        ("Own Name", "#{Own Name}", False),
        ("$key", "get $key", False),
        ("$key", "get $keys", True),
    ],
)
def test_what_counts_as_named(name: str, text: str, is_unused: bool) -> None:
    assert unused([name], [Place("Step", "Script", text, "")]) == ([name] if is_unused else [])


@pytest.mark.django_db
def test_the_page() -> None:
    project = make_project("Web", steps=[script_step("Migrate", body="echo #{Host} #{Hots}")])
    ana = Visitor(make_ana())
    assert "The project has no variables yet" in text_of(ana.get(PATH))
    make_variables(
        project,
        VariableInput("Host", "#{Port}"),
        VariableInput("Port", "1"),
        VariableInput("Forgotten", "#{Gone}"),
        VariableInput("Secret", "s3cr3t", is_sensitive=True),
    )
    page = ana.get(PATH)
    assert page.context["page"].object_list == ["Forgotten", "Secret"]
    text = text_of(page)
    assert "Step Migrate Script No variable is named Hots." in text
    assert "Forgotten Value No variable is named Gone." in text
    assert "s3cr3t" not in page.content.decode()
    make_runbook(project, "Clean", script_step("Clean", body="use Forgotten"))
    assert ana.get(PATH).context["page"].object_list == ["Secret"]
    history = ana.get("projects/web/variables").context["history"]
    changes = ana.get(history.partition("Spaces-1/")[2])
    assert "Variables of Web changed" in text_of(changes)


def test_thousands_of_names_in_thousands_of_texts_cost_little() -> None:
    names = [f"Service.{number // 10:03}.Setting{number % 10}" for number in range(2500)]
    texts = [f"#{{Service.{number % 200:03}.Setting1}} of #{{Nothing}}" for number in range(5000)]
    began = time.process_time()
    left = unused(names, [Place("Step", "Script", text, "") for text in texts])
    assert time.process_time() - began < 0.5
    assert len(left) == 2500 - 200


@pytest.mark.django_db
def test_many_are_shown_page_by_page() -> None:
    project = make_project("Web")
    make_variables(project, *(VariableInput(f"V{n:03}", f"#{{No{n}}}") for n in range(260)))
    ana = Visitor(make_ana())
    text = text_of(ana.get(f"{PATH}?page=2"))
    assert "1 to 50 of 260" not in text
    assert "51 to 100 of 260" in text
    assert "Texts that look wrong 260" in text
    assert "These are the first 200." in text


@pytest.mark.django_db
def test_who_sees_less_is_told_of_none() -> None:
    project = make_project("Web", steps=[script_step("Migrate")])
    make_variables(project, VariableInput("Host", "x"))
    reader = Visitor(make_holder(default_space(), "ProjectView", "VariableViewUnscoped"))
    text = text_of(reader.get(PATH))
    assert "This cannot be said" in text
    assert "Host" not in text
    assert reader.get("projects/web/variables").context["history"] == ""
