"""The form of a value: its types, what is asked for, and editing inside of the table."""

import json
from typing import Any

import pytest

from deployments.infrastructure.models import WorkerPool
from deployments.library.models import Variable
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.projects.services.projects import set_project_extra
from tenants.services.variables import ValueInput, set_values
from tests.factories import SYSTEM, default_space, make_ana
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.library import make_library_set
from tests.factories.runbooks import make_runbook
from tests.factories.tenants import connect, make_tag_set, make_tenant, make_tenanted_project
from tests.support.portal import Answer, Visitor, text_of

pytestmark = pytest.mark.django_db


def path_of(project: Project, more: str = "") -> str:
    return f"projects/{project.public_id}/variables{more}"


def rows_of(project: Project) -> list[Variable]:
    rows = Variable.objects.in_space(project.space).filter(variable_set__owner_id=project.public_id)
    return list(rows.select_related("variable_set"))


def version_of(project: Project) -> int:
    row = Project.objects.in_space(project.space).select_related("variable_set").get(pk=project.pk)
    assert row.variable_set is not None
    return row.variable_set.version


def save(visitor: Visitor, project: Project, **sent: Any) -> Answer:
    fields = {name.replace("__", ":"): value for name, value in sent.items()}
    answer = visitor.post(path_of(project, "/save"), {"version": version_of(project), **fields})
    assert answer.status_code == 302, text_of(answer)
    return answer


def test_a_worker_pool_is_chosen() -> None:
    project = make_project()
    pool = WorkerPool.objects.in_space(default_space()).get(is_default=True)
    ana = Visitor(make_ana())
    save(ana, project, name="Pool", kind="WorkerPool", choice__WorkerPool=pool.public_id, value="x")
    [row] = rows_of(project)
    assert (row.kind, row.value) == ("WorkerPool", pool.public_id)
    assert f"Pool {pool.name}" in text_of(ana.get(path_of(project)))
    form = ana.get(path_of(project), {"edit": row.guid}).content.decode()
    assert f'value="{pool.public_id}" selected' in form


def test_types_that_only_clients_set_stay() -> None:
    project = make_project()
    make_variables(project, VariableInput("Account", kind="AzureAccount"))
    [row] = rows_of(project)
    ana = Visitor(make_ana())
    assert "AzureAccount" in ana.get(path_of(project), {"edit": row.guid}).content.decode()
    save(ana, project, id=row.guid, name="Account", kind="AzureAccount", description="For later")
    [row] = rows_of(project)
    assert (row.kind, row.value, row.description) == ("AzureAccount", "", "For later")


def test_a_text_becomes_a_secret_and_never_comes_back() -> None:
    project = make_project()
    make_variables(project, VariableInput("Key", "s3cr3t-text"))
    [row] = rows_of(project)
    ana = Visitor(make_ana())
    save(ana, project, id=row.guid, name="Key", kind="Sensitive", secret="", value="ignored")
    [row] = rows_of(project)
    assert row.is_sensitive
    assert row.value is None
    assert row.sealed_value
    save(ana, project, id=row.guid, name="Key", kind="String", value="")
    [row] = rows_of(project)
    assert (row.value, row.sealed_value) == ("", None)


@pytest.mark.parametrize(
    ("control", "options", "answer", "stored"),
    [
        ("SingleLineText", "", "7", "7"),
        ("MultiLineText", "", "a\r\nb", "a\nb"),
        ("Checkbox", "", "True", "True"),
        ("Select", "blue|Blue sky\ngreen", "green", "green"),
    ],
)
def test_what_is_asked_for_with_each_control(
    control: str, options: str, answer: str, stored: str
) -> None:
    place = make_environment("Production")
    project = make_project(lifecycle=make_lifecycle(place), steps=[script_step()])
    ana = Visitor(make_ana())
    asked = {
        "is_prompted": "on",
        "prompt_label": "The slot",
        "prompt_description": "Which one takes over",
        "prompt_required": "on",
        "prompt_control": control,
        "prompt_options": options,
    }
    save(ana, project, name="Slot", kind="String", value="blue", **asked)
    [row] = rows_of(project)
    form = ana.get(path_of(project), {"edit": row.guid}).content.decode()
    assert f'<option value="{control}" selected>' in form
    assert "Which one takes over" in form
    release = make_release(project, "1.0.0")
    page = f"projects/{project.public_id}/releases/1.0.0/deploy"
    shown = text_of(ana.get(page, {"environment": place.public_id}))
    assert "The slot" in shown
    assert "Which one takes over" in shown
    assert ("Blue sky" in shown) == (control == "Select")
    sent = {"environment": place.public_id, f"prompt:{row.guid}": answer}
    assert ana.post(page, sent).status_code == 302
    [deployment] = release.deployments.all()
    assert deployment.options["form_values"] == {"Slot": stored}


def test_a_pool_is_asked_for_by_its_name() -> None:
    place = make_environment("Production")
    project = make_project(lifecycle=make_lifecycle(place), steps=[script_step()])
    pool = WorkerPool.objects.in_space(default_space()).get(is_default=True)
    ana = Visitor(make_ana())
    asked = {"is_prompted": "on", "prompt_required": "on"}
    save(ana, project, name="Pool", kind="WorkerPool", choice__WorkerPool="", **asked)
    [row] = rows_of(project)
    assert (row.prompt or {})["display_settings"] == {"Octopus.ControlType": "WorkerPool"}
    make_release(project, "1.0.0")
    page = f"projects/{project.public_id}/releases/1.0.0/deploy"
    shown = ana.get(page, {"environment": place.public_id}).content.decode()
    assert f'<option value="{pool.public_id}">{pool.name}</option>' in shown
    assert (
        ana.post(page, {"environment": place.public_id, f"prompt:{row.guid}": ""}).status_code
        == 400
    )


def test_a_choice_without_choices_is_refused() -> None:
    project = make_project()
    sent = {"name": "Slot", "value": "x", "is_prompted": "on", "prompt_control": "Select"}
    answer = Visitor(make_ana()).post(path_of(project, "/save"), {"version": 0, **sent})
    assert answer.status_code == 400
    assert "needs choices, one a line" in text_of(answer)
    assert rows_of(project) == []


def test_processes_are_a_scope_and_impossible_scopes_are_told() -> None:
    project = make_project(steps=[script_step()])
    runbook = make_runbook(project, "Clean")
    ana = Visitor(make_ana())
    save(ana, project, name="A", value="1", scope__ProcessOwner=runbook.public_id)
    [row] = rows_of(project)
    assert row.scope == {"ProcessOwner": [runbook.public_id]}
    make_variables(
        project,
        VariableInput("A", "1", scope={"ProcessOwner": [project.public_id], "Channel": ["c"]}),
        VariableInput("B", "2", scope={"ProcessOwner": [runbook.public_id], "Channel": ["c"]}),
    )
    text = text_of(ana.get(path_of(project)))
    assert "process: Deployment process" in text
    assert text.count("Never fits: runbooks have no channel") == 1
    make_variables(
        project,
        VariableInput("A", "deploys", scope={"ProcessOwner": [project.public_id]}),
        VariableInput("A", "cleans", scope={"ProcessOwner": [runbook.public_id]}),
    )
    query = {"process": runbook.public_id, "channel": "Channels-1"}
    page = ana.get(path_of(project), query)
    verdicts = {r.variable.value: r.verdict for group in page.context["page"] for r in group.rows}
    assert verdicts == {"deploys": "Other process", "cleans": "Wins: process"}
    preview = text_of(ana.get(path_of(project, "/preview"), query))
    assert "A cleans Project" in preview
    assert "Octopus.Runbook.Name Clean" in preview
    assert "Octopus.Release.Channel" not in preview


def test_a_tenant_decides_who_wins() -> None:
    place = make_environment("Production")
    template: dict[str, Any] = {
        "Id": "t",
        "Name": "Db",
        "DefaultValue": None,
        "DisplaySettings": {},
    }
    project = make_tenanted_project("Web", lifecycle=make_lifecycle(place))
    set_project_extra(actor=SYSTEM, row=project, extra={"Templates": [template]})
    make_tag_set("Ring", "Alpha")
    acme, other = make_tenant("Acme", "Ring/Alpha"), make_tenant("Other")
    connect(acme, project, place)
    connect(other, project, place)
    values = [ValueInput(project, place, "t", "acme-db")]
    set_values(actor=SYSTEM, tenant=acme, values=values)
    make_variables(
        project,
        VariableInput("Db", "mine"),
        VariableInput("Size", "big", scope={"TenantTag": ["Ring/Alpha"]}),
        VariableInput("Size", "small"),
    )
    ana = Visitor(make_ana())

    def verdicts(tenant: str) -> dict[str, str]:
        query = {"environment": place.public_id, "tenant": tenant}
        page = ana.get(path_of(project), query)
        return {r.variable.value: r.verdict for group in page.context["page"] for r in group.rows}

    assert verdicts(acme.public_id) == {
        "mine": "The tenant's own value wins",
        "big": "Wins: tenant tag",
        "small": "Less specific",
    }
    assert verdicts(other.public_id)["small"] == "Wins: default"


def part(visitor: Visitor, project: Project, query: dict[str, str]) -> Answer:
    return visitor.get(path_of(project), query, headers={"HX-Target": "group-x"})


def test_a_value_is_edited_inside_of_the_table() -> None:
    place = make_environment("Production")
    project = make_project()
    make_variables(
        project,
        VariableInput("Url", "one", scope={"Environment": [place.public_id]}),
        VariableInput("url", "two"),
        VariableInput("Other", "three"),
    )
    ana = Visitor(make_ana())
    row = next(row for row in rows_of(project) if row.value == "two")
    form = part(ana, project, {"edit": row.guid, "group": "Url"}).content.decode()
    assert form.strip().startswith('<tbody id="group-')
    assert form.count("<form") == 3  # the value's own, and the two that remove
    assert "three" not in form
    sent = {
        "id": row.guid,
        "name": "Url",
        "value": "four",
        "group": "Url",
        "query": f"?environment={place.public_id}",
        "version": version_of(project),
    }
    headers = {"HX-Target": "group-x"}
    saved = ana.post(path_of(project, "/save"), sent, headers=headers)
    assert saved.status_code == 200
    assert "Less specific" in saved.content.decode()
    assert 'id="variable-form"' not in saved.content.decode()
    news = json.loads(saved["HX-Trigger"])["saved-value"]
    assert news == {"words": "Url was saved.", "version": version_of(project)}
    stale = ana.post(path_of(project, "/save"), sent, headers=headers)
    assert stale.status_code == 200
    assert "changed by somebody else" in stale.content.decode()
    renamed = {**sent, "name": "Address", "version": version_of(project)}
    answer = ana.post(path_of(project, "/save"), renamed, headers=headers)
    assert answer["HX-Redirect"].endswith(f"/variables?environment={place.public_id}")
    hidden = part(ana, project, {"group": "Url", "q": "nothing has this"})
    assert "No value of it fits the filters" in hidden.content.decode()


def test_a_set_is_edited_in_its_table_too() -> None:
    library_set = make_library_set("Common", VariableInput("Zone", "a"))
    ana = Visitor(make_ana())
    path = f"projects/library/{library_set.public_id}"
    added = ana.get(path, {"add": "Zone", "group": "Zone"}, headers={"HX-Target": "group-x"})
    assert "Another value of Zone" in added.content.decode()
    sent = {"name": "Zone", "value": "b", "group": "zone", "version": library_set.values.version}
    saved = ana.post(f"{path}/save", sent, headers={"HX-Target": "group-x"})
    assert text_of(saved).count("Zone") >= 1
    assert Variable.objects.in_space(default_space()).filter(name="Zone").count() == 2


def test_filters_outlive_saving_and_know_every_dimension() -> None:
    project = make_project(steps=[script_step(roles="web")])
    make_variables(
        project,
        VariableInput("A", "1", scope={"Role": ["web"]}),
        VariableInput("B", "2", scope={"Role": ["db"]}),
    )
    ana = Visitor(make_ana())
    text = text_of(ana.get(path_of(project), {"scope": "Role:web"}))
    assert "tag: web" in text
    assert "tag: db" not in text
    answer = save(ana, project, name="C", value="3", query="?scope=Role%3Aweb")
    assert answer["Location"].endswith("/variables?scope=Role%3Aweb")
