"""Variables that nothing names, and texts that name what does not exist."""

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
    assert page.context["unused"] == ["Forgotten", "Secret"]
    text = text_of(page)
    assert "Step Migrate Script No variable is named Hots." in text
    assert "Forgotten Value No variable is named Gone." in text
    assert "s3cr3t" not in page.content.decode()
    make_runbook(project, "Clean", script_step("Clean", body="use Forgotten"))
    assert ana.get(PATH).context["unused"] == ["Secret"]
    history = ana.get("projects/web/variables").context["history"]
    changes = ana.get(history.partition("Spaces-1/")[2])
    assert "Variables of Web changed" in text_of(changes)


@pytest.mark.django_db
def test_who_sees_less_is_told_of_none() -> None:
    project = make_project("Web", steps=[script_step("Migrate")])
    make_variables(project, VariableInput("Host", "x"))
    reader = Visitor(make_holder(default_space(), "ProjectView", "VariableViewUnscoped"))
    text = text_of(reader.get(PATH))
    assert "This cannot be said" in text
    assert "Host" not in text
    assert reader.get("projects/web/variables").context["history"] == ""
