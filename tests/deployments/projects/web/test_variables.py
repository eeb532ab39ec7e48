"""The variables of a project."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.library.models import Variable
from deployments.library.queries import variables_of
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from tests.factories import default_space, give_role, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_environment,
    make_machine,
    make_project,
    make_variables,
    script_step,
)
from tests.factories.people import as_person, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def _path(project: Project, more: str = "") -> str:
    return f"projects/{project.public_id}/variables{more}"


def _rows(project: Project) -> list[Variable]:
    project = (
        Project.objects.in_space(project.space).select_related("variable_set").get(pk=project.pk)
    )
    assert project.variable_set is not None
    return variables_of(project.variable_set)


def _version(project: Project) -> dict[str, Any]:
    return {"version": _rows(project)[0].variable_set.version if _rows(project) else 0}


def test_a_value_is_added_changed_and_removed() -> None:
    production = make_environment("Production")
    project = make_project(steps=[script_step("A")])
    ana = Visitor(make_ana())
    assert "No variables yet" in text_of(ana.get(_path(project)))
    sent = {"name": "Api.Url", "value": "https://one", "version": 0}
    sent["scope:Environment"] = production.public_id
    assert ana.post(_path(project, "/save"), sent).status_code == 302
    [row] = _rows(project)
    assert row.scope == {"Environment": [production.public_id]}
    form = ana.get(_path(project), {"edit": row.guid})
    assert "https://one" in text_of(form)
    sent = {"id": row.guid, "name": "Api.Url", "value": "https://two", **_version(project)}
    ana.post(_path(project, "/save"), sent)
    [row] = _rows(project)
    assert (row.value, row.scope) == ("https://two", {})
    ana.post(_path(project, f"/{row.guid}/delete"))
    assert _rows(project) == []


def test_a_secret_is_never_shown_and_kept_unless_replaced() -> None:
    project = make_project()
    make_variables(project, VariableInput("Db.Password", "s3cr3t", is_sensitive=True))
    ana = Visitor(make_ana())
    [row] = _rows(project)
    for page in (ana.get(_path(project)), ana.get(_path(project), {"edit": row.guid})):
        assert "s3cr3t" not in page.content.decode()
    assert "No variable fits" in text_of(ana.get(_path(project), {"q": "s3cr3t"}))
    sent = {"id": row.guid, "name": "Db.Password", "kind": "Sensitive", "secret": ""}
    ana.post(_path(project, "/save"), {**sent, "description": "kept", **_version(project)})
    [kept] = _rows(project)
    assert kept.description == "kept"
    assert bytes(kept.sealed_value or b"") == bytes(row.sealed_value or b"")
    ana.post(_path(project, "/save"), {**sent, "secret": "new", **_version(project)})
    assert bytes(_rows(project)[0].sealed_value or b"") != bytes(row.sealed_value or b"")


def test_a_refused_secret_is_not_sent_back() -> None:
    project = make_project()
    ana = Visitor(make_ana())
    sent = {"name": "", "kind": "Sensitive", "secret": "s3cr3t", "version": 0}
    answer = ana.post(_path(project, "/save"), sent)
    assert answer.status_code == 400
    assert "must have a name" in text_of(answer)
    assert "s3cr3t" not in answer.content.decode()


def test_who_wins_is_told_with_the_reason() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    machine = make_machine(production, roles=["web"])
    project = make_project()
    make_variables(
        project,
        VariableInput("Url", "p", scope={"Environment": [production.public_id]}),
        VariableInput("Url", "s", scope={"Environment": [staging.public_id]}),
        VariableInput("Url", "d"),
        VariableInput("Ttl", "1", scope={"Environment": [production.public_id], "Role": ["web"]}),
        VariableInput("Ttl", "2"),
        VariableInput("Only", "x", scope={"Environment": [staging.public_id]}),
        VariableInput("Tie", "e", scope={"Environment": [production.public_id]}),
        VariableInput("Tie", "f", scope={"Environment": [staging.public_id, production.public_id]}),
    )
    ana = Visitor(make_ana())
    query = {"environment": production.public_id, "target": machine.public_id}
    page = ana.get(_path(project), query)
    verdicts = {
        row.variable.value: row.verdict for group in page.context["page"] for row in group.rows
    }
    assert verdicts == {
        "p": "Wins: environment",
        "s": "Other environment",
        "d": "Less specific",
        "1": "Wins: environment and target tag",
        "2": "Less specific",
        "x": "Other environment",
        "e": "Wins: environment",
        "f": "Equally specific, later in the list",
    }
    assert "No value here" in text_of(page)
    assert "Who wins" not in text_of(ana.get(_path(project))).replace("Who wins for", "")


def test_a_change_meanwhile_is_a_conflict() -> None:
    project = make_project()
    make_variables(project, VariableInput("A", "1"))
    ana = Visitor(make_ana())
    old = _version(project)
    ana.post(_path(project, "/save"), {"name": "B", "value": "2", **old})
    answer = ana.post(_path(project, "/save"), {"name": "C", "value": "mine", **old})
    assert answer.status_code == 400
    assert "changed by somebody else" in text_of(answer)
    assert "mine" in text_of(answer)


def test_scoped_permissions_limit_what_is_seen_and_edited() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    project = make_project()
    make_variables(
        project,
        VariableInput("Url", "prod", scope={"Environment": [production.public_id]}),
        VariableInput("Url", "stage", scope={"Environment": [staging.public_id]}),
    )
    user = make_user("eve")
    give_role(user, "userroles-projectlead", default_space(), {"environment": [staging.public_id]})
    eve = Visitor(as_person(user))
    text = text_of(eve.get(_path(project)))
    assert "stage" in text
    assert "prod" not in text
    hidden = next(row for row in _rows(project) if row.value == "prod")
    assert eve.get(_path(project), {"edit": hidden.guid}).status_code == 404
    assert eve.post(_path(project, f"/{hidden.guid}/delete")).status_code == 404
    cleo = Visitor(make_cleo(default_space()))
    sent = {"name": "X", "value": "1", **_version(project)}
    assert cleo.post(_path(project, "/save"), sent).status_code == 403
    assert Visitor(make_dan(make_space())).get(_path(project)).status_code == 404


def test_the_number_of_queries_does_not_grow() -> None:
    project = make_project()
    make_variables(project, VariableInput("A", "1"))
    ana = Visitor(make_ana())
    with CaptureQueriesContext(connection) as few:
        ana.get(_path(project))
    make_variables(project, *(VariableInput(f"V{n}", "1") for n in range(40)))
    with CaptureQueriesContext(connection) as many:
        ana.get(_path(project))
    assert len(many) == len(few) <= 25
