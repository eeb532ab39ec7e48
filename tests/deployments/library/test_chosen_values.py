"""Values that are ids of something of the space: what is not there, or not seen, is refused."""

import pytest

from deployments.base.errors import Invalid
from deployments.infrastructure.models import WorkerPool
from deployments.infrastructure.services.workers import create_worker_pool
from deployments.library.models import Variable, VariableSet
from deployments.library.services import VariableInput, add_variable, update_variable
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, make_ana, make_space
from tests.factories.domain import make_environment, make_project, make_release, script_step
from tests.factories.library import make_library_set
from tests.factories.people import make_holder
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def default_pool() -> WorkerPool:
    return WorkerPool.objects.in_space(default_space()).get(is_default=True)


def pool_variable(value: str | None, **more: object) -> dict[str, object]:
    return {"Name": "Pool", "Type": "WorkerPool", "Value": value, **more}


@pytest.mark.parametrize(
    "value", ["WorkerPools-999999999", "Default Worker Pool", "Accounts-1", "0"]
)
def test_a_worker_pool_that_is_not_there_is_refused(value: str) -> None:
    project, ana = make_project(), make_ana()
    path = f"{S}/projects/{project.public_id}/variables"
    status, body = send(ana, "get", path)
    assert status == 200
    status, error = send(ana, "put", path, {**body, "Variables": [pool_variable(value)]})
    assert status == 400
    assert error["Errors"] == [f"Pool: there is no worker pool '{value}' that you may see."]
    assert send(ana, "get", path)[1]["Variables"] == []


def test_that_of_another_space_is_none() -> None:
    other = make_space("Other")
    pool = WorkerPool.objects.in_space(other).get(is_default=True)
    row = make_library_set("Shared")
    with pytest.raises(Invalid, match=f"no worker pool '{pool.public_id}'"):
        add_variable(
            actor=SYSTEM,
            variable_set=row.values,
            variable=VariableInput("Pool", pool.public_id, kind="WorkerPool"),
        )


def test_one_that_is_there_none_and_an_open_question_are_kept() -> None:
    project, ana, pool = make_project(), make_ana(), default_pool()
    path = f"{S}/projects/{project.public_id}/variables"
    _, body = send(ana, "get", path)
    prompt = {"Label": "Where", "Required": True, "DisplaySettings": {}}
    sent = [pool_variable(pool.public_id), pool_variable(""), pool_variable(None, Prompt=prompt)]
    status, stored = send(ana, "put", path, {**body, "Variables": sent})
    assert status == 200
    assert [each["Value"] for each in stored["Variables"]] == [pool.public_id, "", None]


def test_who_may_not_see_workers_keeps_what_is_there_and_names_no_other() -> None:
    project, pool = make_project(), default_pool()
    second = create_worker_pool(actor=SYSTEM, space=default_space(), name="Linux")
    values = VariableSet.objects.in_space(project.space).get(pk=project.variable_set_id or 0)
    known = VariableInput("Pool", pool.public_id, kind="WorkerPool")
    row = add_variable(actor=SYSTEM, variable_set=values, variable=known)
    permissions = ("VariableView", "VariableEdit", "VariableViewUnscoped", "VariableEditUnscoped")
    editor = make_holder(default_space(), "ProjectView", *permissions)
    again = VariableInput("Pool", pool.public_id, kind="WorkerPool", description="Ours")
    update_variable(actor=editor.actor, variable_set=values, guid=row.guid, variable=again)
    assert Variable.objects.in_space(project.space).get(pk=row.pk).description == "Ours"
    with pytest.raises(Invalid, match="that you may see"):
        update_variable(
            actor=editor.actor,
            variable_set=values,
            guid=row.guid,
            variable=VariableInput("Pool", second.public_id, kind="WorkerPool"),
        )


@pytest.mark.parametrize("kind", ["AzureAccount", "GoogleCloudAccount"])
def test_accounts_of_types_that_are_not_to_be_had_are_refused(kind: str) -> None:
    project = make_project()
    ana = Visitor(make_ana())
    page = f"projects/{project.public_id}/variables"
    answer = ana.post(f"{page}/save", {"version": "0", "name": "A", "kind": kind, "value": "x"})
    assert answer.status_code == 400
    assert f"A: this server has no accounts for variables of the type {kind}." in text_of(answer)


def test_an_answer_names_a_worker_pool_that_is_there() -> None:
    ana, place, pool = make_ana(), make_environment(), default_pool()
    project = make_project(steps=[script_step()])
    path = f"{S}/projects/{project.public_id}/variables"
    _, body = send(ana, "get", path)
    asked = pool_variable(None, Prompt={"Label": "Where", "Required": True, "DisplaySettings": {}})
    assert send(ana, "put", path, {**body, "Variables": [asked]})[0] == 200
    release = make_release(project)
    call = {"ReleaseId": release.public_id, "EnvironmentId": place.public_id}
    wrong = {**call, "FormValues": {"Pool": "WorkerPools-999999999"}}
    status, error = send(ana, "post", f"{S}/deployments", wrong)
    assert status == 400
    words = "Where: there is no worker pool 'WorkerPools-999999999' that you may see."
    assert error["Errors"] == [words]
    right = {**call, "FormValues": {"Pool": pool.public_id}}
    assert send(ana, "post", f"{S}/deployments", right)[0] == 201
