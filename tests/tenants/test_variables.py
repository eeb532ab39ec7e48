"""The values that tenants fill in: templates, pages, REST, and what deployments make of them."""

from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.base.models import Event
from deployments.execution.services.plan_deployment import plan_deployment
from deployments.execution.services.situation import open_manifest
from deployments.library.scoping import ScopeContext, resolve
from deployments.library.services import VariableInput
from deployments.library.variable_templates import checked_templates, read_templates
from deployments.projects.models import Project
from deployments.projects.services.projects import set_project_extra
from deployments.releases.services import create_deployment
from deployments.server_tasks.models import ServerTask
from tenants.models import TenantVariable
from tenants.services.variables import ValueInput, set_values
from tenants.variables import templates_of
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_cleo, make_user
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.people import as_person
from tests.factories.tenants import connect, make_tag_set, make_tenant, make_tenanted_project
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of

SECRET = {"Octopus.ControlType": "Sensitive"}


@pytest.mark.parametrize("case", cases("tenants", "templates"), ids=case_name)
def test_templates(case: Any) -> None:
    if case["says"]:
        with pytest.raises(Invalid) as refused:
            checked_templates(case["templates"])
        assert case["says"] in str(refused.value.fields)
        return
    templates = read_templates(checked_templates(case["templates"]))
    assert all(template.id and template.name for template in templates)


class Filled:
    """A project with a text, a text with a default and a secret, and a tenant in Dev and Prod."""

    def __init__(self) -> None:
        make_tag_set("Ring")
        self.dev, self.prod = make_environment("Dev"), make_environment("Prod")
        self.project = make_tenanted_project(
            "Web", lifecycle=make_lifecycle(self.dev, self.prod), steps=[script_step()]
        )
        documents = [
            {"Id": "db", "Name": "Database", "Label": "Name of the database"},
            {"Id": "port", "Name": "Port", "DefaultValue": "5432"},
            {"Id": "key", "Name": "Key", "DisplaySettings": SECRET},
        ]
        set_project_extra(actor=SYSTEM, row=self.project, extra={"Templates": documents})
        both = {self.project: [self.dev, self.prod]}
        self.acme = make_tenant("Acme", "Ring/Alpha", connections=both)

    def fill(self, template: str, value: str | None) -> None:
        given = ValueInput(self.project, self.dev, template, value)
        set_values(actor=SYSTEM, tenant=self.acme, values=[given])

    def winner(self, name: str) -> str | None:
        release = make_release(self.project)
        row = create_deployment(
            actor=SYSTEM, release=release, environment=self.dev, tenant=self.acme
        )
        task = ServerTask.objects.in_space(default_space()).get(pk=row.task_id)
        manifest = open_manifest(plan_deployment(task))
        context = ScopeContext(
            environment=manifest.environment,
            tenant=manifest.tenant,
            tenant_tags=frozenset(manifest.tenant_tags),
            project=manifest.project,
        )
        found = resolve(name, manifest.candidates, context)
        return found.candidate.value if found else None


@pytest.mark.django_db
def test_a_deployment_without_a_required_value_is_refused() -> None:
    filled = Filled()
    release = make_release(filled.project)
    with pytest.raises(Invalid, match="no value for Name of the database, Key in the environment"):
        create_deployment(actor=SYSTEM, release=release, environment=filled.dev, tenant=filled.acme)


@pytest.mark.django_db
def test_values_win_over_tags_and_environments_and_are_not_frozen() -> None:
    filled = Filled()
    filled.fill("db", "acme")
    filled.fill("key", "secret key")
    scope = {"TenantTag": ["Ring/Alpha"], "Environment": [filled.dev.public_id]}
    make_variables(
        filled.project,
        VariableInput("Database", "by tag", scope=scope),
        VariableInput("Port", "1"),
    )
    assert filled.winner("Database") == "acme"
    assert filled.winner("Port") == "5432"
    assert filled.winner("Key") == "secret key"
    filled.fill("port", "6000")
    assert filled.winner("Port") == "6000"


@pytest.mark.django_db
def test_values_stay_when_the_tenant_leaves_the_project() -> None:
    filled = Filled()
    filled.fill("db", "acme")
    filled.fill("key", "secret key")
    connect(filled.acme, filled.project)
    release = make_release(filled.project)
    with pytest.raises(Invalid, match="not connected"):
        create_deployment(actor=SYSTEM, release=release, environment=filled.dev, tenant=filled.acme)
    connect(filled.acme, filled.project, filled.dev)
    assert filled.winner("Database") == "acme"


@pytest.mark.django_db
def test_secrets_are_sealed_and_no_event_has_them() -> None:
    filled = Filled()
    filled.fill("key", "secret key")
    row = TenantVariable.objects.in_space(default_space()).get()
    assert row.value == ""
    assert b"secret key" not in bytes(row.sealed_value or b"")
    event = Event.objects.order_by("-pk")[0]
    assert "secret key" not in str(event.changes)
    assert event.changes[0]["after"].startswith("secret ")
    filled.fill("key", None)
    assert not TenantVariable.objects.in_space(default_space()).exists()


@pytest.mark.django_db
def test_values_over_rest() -> None:
    filled = Filled()
    ana = make_ana()
    path = f"{S}/tenants/{filled.acme.public_id}/variables"
    _, found = send(ana, "get", path)
    of_project = found["ProjectVariables"][filled.project.public_id]
    assert [row["Name"] for row in of_project["Templates"]] == ["Database", "Port", "Key"]
    dev, prod = filled.dev.public_id, filled.prod.public_id
    assert of_project["Variables"] == {dev: {}, prod: {}}
    missing = send(ana, "get", f"{S}/tenants/variables-missing?tenantId={filled.acme.public_id}")[1]
    assert len(missing[0]["MissingVariables"]) == 4
    of_project["Variables"] = {
        dev: {"db": "acme", "port": "1", "key": {"HasValue": True, "NewValue": "k"}}
    }
    status, changed = send(ana, "put", path, found)
    stored = changed["ProjectVariables"][filled.project.public_id]["Variables"][dev]
    assert (status, stored["db"], stored["port"]) == (200, "acme", "1")
    assert stored["key"] == {"HasValue": True, "NewValue": None, "Hint": None}
    # What was read is sent back without a value: the secret stays, the port goes.
    del stored["port"]
    status, again = send(ana, "put", path, changed)
    stored = again["ProjectVariables"][filled.project.public_id]["Variables"][dev]
    assert (status, sorted(stored), stored["key"]["HasValue"]) == (200, ["db", "key"], True)
    query = f"environmentId={dev}&projectId={filled.project.public_id}"
    assert send(ana, "get", f"{S}/tenants/variables-missing?{query}")[1] == []
    assert len(send(ana, "get", f"{S}/tenantvariables/all?projectId=Projects-999999999")[1]) == 0
    assert len(send(ana, "get", f"{S}/tenantvariables/all")[1]) == 1
    refused: list[Any] = [
        {"ProjectVariables": 5},
        {"ProjectVariables": {"Projects-999999999": {"Variables": {}}}},
        {"ProjectVariables": {filled.project.public_id: {"Variables": {dev: {"x": "1"}}}}},
        {"ProjectVariables": {filled.project.public_id: {"Variables": {dev: {"db": ["1"]}}}}},
        {
            "ProjectVariables": {
                filled.project.public_id: {"Variables": {"Environments-999999999": {}}}
            }
        },
    ]
    for wrong in refused:
        assert send(ana, "put", path, wrong)[0] == 400, wrong


@pytest.mark.django_db
def test_a_value_is_one_of_the_choices() -> None:
    filled = Filled()
    select = {"Octopus.ControlType": "Select", "Octopus.SelectOptions": "s|Small\nl|Large"}
    document = {"Id": "size", "Name": "Size", "DefaultValue": "m", "DisplaySettings": select}
    set_project_extra(actor=SYSTEM, row=filled.project, extra={"Templates": [document]})
    filled.project.refresh_from_db()
    ana, acme = make_ana(), filled.acme.public_id
    path, dev = f"{S}/tenants/{acme}/variables", filled.dev.public_id

    def put(value: str) -> tuple[int, Any]:
        of_project = {"Variables": {dev: {"size": value}}}
        body = {"ProjectVariables": {filled.project.public_id: of_project}}
        return send(ana, "put", path, body)

    assert [put(value)[0] for value in ("s", "l", "#{Size of all}")] == [200, 200, 200]
    for wrong in ("m", "Small", "S"):
        status, answer = put(wrong)
        assert (status, answer["Errors"]) == (
            400,
            ["The value of 'Size' must be one of its choices: s, l."],
        )
    assert filled.winner("Size") == "#{Size of all}"
    # The page keeps what is stored but no longer offered.
    page = Visitor(ana)
    shown = page.get(f"tenants/{acme}/variables").content.decode()
    assert '<option value="#{Size of all}" selected>' in shown
    field = f"value:{filled.project.pk}:{filled.dev.pk}:size"
    assert page.post(f"tenants/{acme}/variables", {field: "x"}).status_code == 400
    assert page.post(f"tenants/{acme}/variables", {field: "#{Size of all}"}).status_code == 302


@pytest.mark.django_db
def test_who_may_fill_in_what() -> None:
    filled = Filled()
    user = make_user()
    scope = {"environment": [filled.dev.public_id]}
    give_role(user, "userroles-projectcontributor", default_space(), scope)
    give_role(user, "userroles-tenantmanager", default_space())
    give_role(user, "userroles-environmentviewer", default_space())
    person = as_person(user)
    path = f"{S}/tenants/{filled.acme.public_id}/variables"
    body: Any = {"ProjectVariables": {filled.project.public_id: {"Variables": {}}}}
    variables = body["ProjectVariables"][filled.project.public_id]["Variables"]
    variables[filled.dev.public_id] = {"db": "x"}
    assert send(person, "put", path, body)[0] == 200
    variables[filled.prod.public_id] = {"db": "x"}
    assert send(person, "put", path, body)[0] == 403
    cleo = make_cleo(default_space())
    assert send(cleo, "put", path, body)[0] == 403


@pytest.mark.django_db
def test_pages_of_templates_and_values() -> None:
    filled = Filled()
    ana = Visitor(make_ana())
    base = f"projects/{filled.project.public_id}/variables/templates"
    assert "Name of the database" in ana.get(base).content.decode()
    sent = {
        "template-id": ["db", "", ""],
        "template-name": ["Database", "Mode", ""],
        "template-label": ["", "", ""],
        "template-help": ["", "", ""],
        "template-default": ["", "fast", ""],
        "template-control": ["SingleLineText", "Select", "SingleLineText"],
        "template-options": ["", "fast|Fast\r\nslow|Slow", ""],
    }
    assert ana.post(f"{base}/save", sent).status_code == 302
    filled.project = Project.objects.in_space(default_space()).get(pk=filled.project.pk)
    names = [(t.name, t.default, t.options) for t in templates_of(filled.project)]
    assert names[1] == ("Mode", "fast", (("fast", "Fast"), ("slow", "Slow")))
    twice = {**sent, "template-name": ["Mode", "Mode", ""]}
    assert ana.post(f"{base}/save", twice).status_code == 400

    path = f"tenants/{filled.acme.public_id}/variables"
    assert "2 values missing" in text_of(ana.get(path))
    field = f"value:{filled.project.pk}:{filled.dev.pk}:db"
    assert ana.post(path, {field: "acme"}).status_code == 302
    page = ana.get(path)
    assert "1 value missing" in text_of(page)
    assert 'value="acme"' in page.content.decode()
    cleo = Visitor(make_cleo(default_space()))
    assert cleo.get(path).status_code == 403
    assert cleo.post(f"{base}/save", sent).status_code == 403
    assert cleo.post(path, {field: "changed"}).status_code == 403


@pytest.mark.django_db
def test_the_preview_of_clients_knows_the_tenant() -> None:
    filled = Filled()
    filled.fill("db", "acme-dev")
    filled.fill("key", "s3cr3t-of-acme")
    tagged = VariableInput("Ring", "first", scope={"TenantTag": ["Ring/Alpha"]})
    make_variables(filled.project, VariableInput("Database", "usual"), tagged)
    ana, project = make_ana(), filled.project.public_id
    there = f"{S}/variables/preview?project={project}&environment={filled.dev.public_id}"
    acme = filled.acme.public_id

    def seen(query: str) -> dict[str, Any]:
        return {row["Name"]: row for row in send(ana, "get", there + query)[1]["Variables"]}

    assert {name: row["Value"] for name, row in seen("").items()} == {"Database": "usual"}
    found = seen(f"&tenant={acme}")
    assert {name: row["Value"] for name, row in found.items()} == {
        "Database": "acme-dev",
        "Port": "5432",
        "Key": None,
        "Ring": "first",
    }
    scope = {"Tenant": [acme], "Environment": [filled.dev.public_id]}
    assert found["Database"]["Scope"] == scope
    assert found["Key"]["IsSensitive"]
    assert "s3cr3t" not in str(found)
    status, error = send(ana, "get", f"{there}&tenant=Tenants-999999999")
    assert (status, error["Errors"]) == (
        400,
        ["The project has no tenant 'Tenants-999999999' that you may see."],
    )
