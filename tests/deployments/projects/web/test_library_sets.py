"""The pages of library variable sets, and of what a project includes."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.library.models import LibraryVariableSet
from deployments.library.queries import variables_of
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.projects.queries import included_sets
from tests.factories import default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_project, make_variables, script_step
from tests.factories.library import include, make_library_set
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db

LIST = "projects/library"


def included(project: Project) -> list[str]:
    fresh = Project.objects.in_space(project.space).get(pk=project.pk)
    return [row.name for row in included_sets(fresh)]


def test_a_set_is_made_filled_and_deleted() -> None:
    production = make_environment("Production")
    ana = Visitor(make_ana())
    assert "No variable sets yet" in text_of(ana.get(LIST))
    assert ana.post(LIST, {"name": ""}).status_code == 400
    assert ana.post(LIST, {"name": "Common", "description": "for all"}).status_code == 302
    row = LibraryVariableSet.objects.in_space(default_space()).get()
    path = f"{LIST}/{row.public_id}"
    assert "Common" in text_of(ana.get(LIST, {"q": "com"}))
    form = text_of(ana.get(path, {"add": ""}))
    assert "Environments" in form
    assert "Channels" not in form
    sent: dict[str, Any] = {"name": "Url", "value": "https://one", "version": 0}
    sent["scope:Environment"] = production.public_id
    assert ana.post(f"{path}/save", sent).status_code == 302
    assert ana.post(f"{path}/save", sent).status_code == 400  # somebody else was faster
    page = ana.get(path, {"environment": production.public_id})
    assert "https://one" in text_of(page)
    assert "Wins: only value" in text_of(page)
    [value] = variables_of(row.values)
    assert ana.post(f"{path}/{value.guid}/delete").status_code == 302
    assert variables_of(row.values) == []
    settings = {
        "name": "Shared",
        "template-id": ["", ""],
        "template-name": ["Alias", ""],
        "template-label": ["Short name", ""],
        "template-help": ["", ""],
        "template-default": ["", ""],
        "template-control": ["SingleLineText", "SingleLineText"],
        "template-options": ["", ""],
    }
    assert ana.post(f"{path}/settings", settings).status_code == 302
    assert "Short name" in ana.get(f"{path}/settings").content.decode()
    assert ana.post(f"{path}/settings", {**settings, "name": ""}).status_code == 400
    project = make_project("Web")
    include(project, row.public_id)
    assert "Included in Web" in text_of(ana.get(f"{path}/settings"))
    ana.post(f"{path}/delete")
    assert LibraryVariableSet.objects.in_space(default_space()).exists()
    include(project)
    ana.post(f"{path}/delete")
    assert not LibraryVariableSet.objects.in_space(default_space()).exists()


def test_a_project_includes_sets_and_says_whence_values_come() -> None:
    project = make_project("Web", steps=[script_step()])
    make_variables(project, VariableInput("Url", "own"))
    first = make_library_set("First", VariableInput("Url", "first"), VariableInput("Ttl", "1"))
    second = make_library_set("Second", VariableInput("Ttl", "2"))
    production = make_environment("Production")
    ana = Visitor(make_ana())
    path = f"projects/{project.public_id}/variables"
    for row in (first, second):
        assert ana.post(f"{path}/library", {"add": row.public_id}).status_code == 302
    assert included(project) == ["First", "Second"]
    page = ana.get(path, {"environment": production.public_id})
    verdicts = {
        row.variable.value: row.verdict for group in page.context["page"] for row in group.rows
    }
    assert verdicts == {
        "own": "Wins: default",
        "first": "Equally specific, from a variable set",
        "1": "Wins: default",
        "2": "Equally specific, from a later set",
    }
    assert "From the variable set First" in text_of(page)
    assert "specific scope wins: step, target, target tag, tenant, tenant tag" in text_of(page)
    of_set = text_of(ana.get(f"projects/library/{first.public_id}"))
    assert "specific scope wins: target, target tag, tenant tag, environment." in of_set
    ana.post(f"{path}/library", {"first": second.public_id})
    assert included(project) == ["Second", "First"]
    ana.post(f"{path}/library", {"remove": first.public_id})
    assert included(project) == ["Second"]
    ana.post(f"{path}/library", {"add": "LibraryVariableSets-999999999"})
    assert "there is no LibraryVariableSets-999999999" in text_of(ana.get(path))


def test_queries_do_not_grow_with_sets() -> None:
    project = make_project("Web", steps=[script_step()])
    ana = Visitor(make_ana())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            ana.get(LIST)
        return len(captured)

    make_library_set("0", VariableInput("A", "1"), projects=[project])
    before = queries()
    for number in range(5):
        make_library_set(f"{number + 1}", VariableInput("A", "1"), projects=[project])
    assert queries() == before


def test_who_may_see_and_do_what() -> None:
    row = make_library_set("Common", VariableInput("Url", "x"))
    project = make_project("Web")
    path = f"{LIST}/{row.public_id}"
    cleo, dan = Visitor(make_cleo(default_space())), Visitor(make_dan(make_space("Other")))
    assert cleo.get(path).status_code == 200
    assert "Url" not in text_of(cleo.get(path))
    assert cleo.post(LIST, {"name": "X"}).status_code == 403
    assert cleo.post(f"{path}/settings", {"name": "X"}).status_code == 403
    assert cleo.post(f"{path}/delete").status_code == 403
    assert cleo.post(f"{path}/save", {"name": "A", "value": "1", "version": 1}).status_code == 403
    include_path = f"projects/{project.public_id}/variables/library"
    assert cleo.post(include_path, {"add": row.public_id}).status_code == 403
    for address in (LIST, path, f"{path}/settings"):
        assert dan.get(address).status_code == 404
