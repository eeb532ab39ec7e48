"""Accounts that variables name: their parts reach the steps that use them, and nobody else."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.base.errors import Invalid
from deployments.base.settings_rows import set_setting
from deployments.execution.references import subject_of, token_life, turn_within
from deployments.execution.services.plan_deployment import START_WITHIN_SETTING
from deployments.infrastructure.models import WorkerPool
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from deployments.library.models import Account
from deployments.library.services import (
    AccountInput,
    Restrictions,
    VariableInput,
    add_variable,
    update_account,
    update_variable,
)
from deployments.library.tenancy import Tenancy
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_user
from tests.factories.domain import (
    make_environment,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.execution import Scene, make_agent, make_scene
from tests.factories.library import make_account
from tests.factories.people import as_person
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PASSWORD = "pa55word"
KIND = "UsernamePasswordAccount"


def named(row: Account, name: str = "Db", **more: Any) -> VariableInput:
    return VariableInput(name, row.public_id, kind=row.type.variable_type, **more)


def started(*variables: VariableInput, **more: Any) -> Scene:
    return make_scene(script_step(roles="web"), variables=lambda _: variables, **more)


def sent(scene: Scene) -> dict[str, tuple[str, bool]]:
    (run,) = scene.runs()
    return {name: (text, secret) for name, text, secret in scene.spec(run)["variables"]}


def test_the_parts_of_an_account_reach_its_step_and_are_masked() -> None:
    row = make_account(Username="ana", Password=PASSWORD)
    url = VariableInput("Url", "db://#{Db.Username}:#{db.password}@here")
    scene = started(named(row), url, VariableInput("Db.Name", "mine"))
    values = sent(scene)
    assert values["Db"] == (row.public_id, False)
    assert values["Db.Username"] == ("ana", False)
    assert values["Db.Password"] == (PASSWORD, True)
    assert values["Db.AccountType"] == ("UsernamePassword", False)
    assert values["Db.Name"] == ("mine", False)
    assert values["Url"] == (f"db://ana:{PASSWORD}@here", False)
    (run,) = scene.runs()
    assert scene.spec(run)["mask"] == [PASSWORD]
    assert PASSWORD.encode() not in bytes(run.sealed_body or b"")
    assert PASSWORD.encode() not in bytes(scene.task.plan.sealed_variables or b"")


def test_it_is_read_when_the_deployment_starts_not_with_the_release() -> None:
    row = make_account(Username="ana", Password=PASSWORD)
    scene = started(named(row), begin=False)
    update_account(
        actor=SYSTEM, row=row, account=AccountInput("Db", {"Username": "ben", "Password": "newer"})
    )
    scene.begin()
    assert sent(scene)["Db.Password"] == ("newer", True)


def test_many_accounts_take_no_more_queries_than_one() -> None:
    counts = []
    for number in (1, 5):
        rows = [make_account(f"A{number}-{each}") for each in range(number)]
        scene = started(*(named(row, row.name) for row in rows), begin=False)
        with CaptureQueriesContext(connection) as queries:
            scene.begin()
        counts.append(sum("library_account" in each["sql"] for each in queries))
        assert sent(scene)[rows[-1].name] == (rows[-1].public_id, False)
    assert counts == [3, 3]


def test_what_no_step_uses_stays_at_home_and_fails_nothing() -> None:
    elsewhere = make_environment("Elsewhere")
    live = make_account("Live", environments=[elsewhere], Username="ana", Password="of-elsewhere")
    test = make_account("Test", Username="ben", Password=PASSWORD)
    scoped = named(live, scope={"Environment": [elsewhere.public_id]})
    values = sent(started(scoped, named(test)))
    assert values["Db.Password"] == (PASSWORD, True)
    assert "of-elsewhere" not in str(values)


@pytest.mark.parametrize(
    ("restrict", "word"),
    [
        ("environment", "may not be used in"),
        ("tenant", "may not be used without a tenant"),
        ("gone", "does not exist any more"),
    ],
)
def test_what_may_not_be_used_there_fails_the_deployment_at_its_start(
    restrict: str, word: str
) -> None:
    row = make_account(Username="ana", Password=PASSWORD)
    scene = started(named(row), begin=False)
    places = [make_environment("Elsewhere").pk] if restrict == "environment" else []
    tenancy = Tenancy("Tenanted") if restrict == "tenant" else None
    if restrict == "gone":
        Account.objects.in_space(default_space()).delete()
    else:
        limits = Restrictions(places, tenancy)
        account = AccountInput("Database", {"Username": "ana"}, restrictions=limits)
        update_account(actor=SYSTEM, row=row, account=account)
    scene.begin()
    assert scene.state() == "Failed"
    assert word in scene.task.error_message
    assert "Db" in scene.task.error_message


def test_an_answer_may_name_only_what_whoever_deploys_may_see() -> None:
    ana, place = make_ana(), make_environment("Production")
    usual, other = make_account("Usual"), make_account("Other", Username="ben", Password=PASSWORD)
    token = make_account("Robot", "Token", Token="t0ken")
    project = make_project("Web", steps=[script_step()])
    make_variables(project, named(usual, prompt={"label": "Login", "required": True}))
    release = make_release(project)
    user = make_user()
    for role in ("userroles-projectdeployer", "userroles-projectviewer"):
        give_role(user, role, default_space())
    deployer = as_person(user)
    body = {"ReleaseId": release.public_id, "EnvironmentId": place.public_id}

    def answered(person: Any, text: str) -> tuple[int, Any]:
        return send(person, "post", f"{S}/deployments", {**body, "FormValues": {"Db": text}})

    status, refused = answered(deployer, other.public_id)
    assert (status, "that you may see" in str(refused)) == (400, True)
    assert answered(ana, token.public_id)[0] == 400
    assert answered(ana, "Accounts-999999999")[0] == 400
    assert answered(deployer, usual.public_id)[0] == 201
    assert answered(ana, other.public_id)[0] == 201
    page = f"projects/{project.slug}/releases/{release.version}/deploy"
    shown = text_of(Visitor(ana).get(page, {"to": place.public_id}))
    assert "Usual" in shown
    assert "Other" in shown
    assert "Robot" not in shown


def test_a_value_may_name_only_what_its_writer_may_see_and_of_its_type() -> None:
    row = make_account()
    project = make_project("Web")
    wrong = [
        VariableInput("Db", "Accounts-999999999", kind=KIND),
        VariableInput("Db", row.public_id, kind="TokenAccount"),
        VariableInput("Db", "", kind=KIND),
        VariableInput("Db", "ana", kind=KIND),
    ]
    make_variables(project, VariableInput("Db", row.public_id, kind=KIND))
    assert project.variable_set is not None
    held = project.variable_set.variables.get()
    for each in wrong:
        with pytest.raises(Invalid, match="Db: "):
            make_variables(project, each)
        with pytest.raises(Invalid, match="Db: "):
            add_variable(actor=SYSTEM, variable_set=held.variable_set, variable=each)
        with pytest.raises(Invalid, match="Db: "):
            update_variable(
                actor=SYSTEM, variable_set=held.variable_set, guid=held.guid, variable=each
            )
    make_variables(project, VariableInput("Db", "", kind=KIND, prompt={"label": "Login"}))


def test_choosing_an_account_in_the_form_of_a_value() -> None:
    ana, row, project = Visitor(make_ana()), make_account(), make_project("Web")
    page = f"projects/{project.public_id}/variables"
    assert "Database" in text_of(ana.get(page, {"add": "Db"}))
    version = project.variable_set.version if project.variable_set else 0
    fields = {"name": "Db", "version": version, "kind": KIND}
    none = ana.post(f"{page}/save", fields)
    assert (none.status_code, "choose the account" in text_of(none)) == (400, True)
    sent = {**fields, f"choice:{KIND}": row.public_id}
    assert ana.post(f"{page}/save", sent).status_code == 302
    shown = text_of(ana.get(page))
    assert "Database" in shown
    assert "User name and password" in shown
    project.refresh_from_db(from_queryset=type(project).objects.in_space(project.space))
    assert project.variable_set is not None
    (value,) = project.variable_set.variables.all()
    assert (value.kind, value.value) == (KIND, row.public_id)
    back = {"id": value.guid, "name": "Db", "version": project.variable_set.version}
    assert ana.post(f"{page}/save", {**back, "kind": "String", "value": "text"}).status_code == 302
    value.refresh_from_db(from_queryset=type(value).objects.in_space(project.space))
    assert (value.kind, value.value) == ("String", "text")


def test_a_step_gets_a_token_that_the_published_keys_verify(settings: Any) -> None:
    row = make_account(
        "My Cloud",
        "GenericOidcAccount",
        Audience="api://shop",
        DeploymentSubjectKeys=["type", "account", "environment", "runbook", "project", "space"],
    )
    scene = started(named(row, "Cloud"))
    values = sent(scene)
    token, is_secret = values["Cloud.OpenIdConnect.Jwt"]
    assert is_secret
    assert values["Octopus.OpenIdConnect.Jwt"] == (token, True)
    assert values["Cloud.Audience"] == ("api://shop", False)
    published = Client().get("/.well-known/jwks").json()["keys"]
    key = next(k for k in published if k["kid"] == jwt.get_unverified_header(token)["kid"])
    claims = jwt.decode(
        token,
        jwt.PyJWK(key).key,
        algorithms=["ES256"],
        audience="api://shop",
        issuer=settings.OCTOPUS.server_url,
    )
    project, place = scene.deployment.project, scene.environment
    assert claims["sub"] == (
        f"space:{default_space().slug}:project:{project.slug}:environment:{place.slug}"
        ":account:my-cloud:type:deployment"
    )
    # It may wait there for others, but not so long that it would begin with less than an hour.
    (run,) = scene.runs()
    assert claims["exp"] - claims["iat"] == 86_400
    assert run.header["take_within_s"] + run.header["ttl_s"] == 86_400 - 3600
    # It opens nothing at this server.
    answer = Client().get("/api/users/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("start_within_s", "limit_s", "seconds"),
    [
        (600, 0, 600 + 3600),
        (7200, 1800, 7200 + 3600),
        (600, 10_800, 600 + 10_800),
        (0, 200_000, 86_400),
        (90_000, 0, 86_400),
    ],
)
def test_a_token_outlives_the_wait_and_the_step(
    start_within_s: float, limit_s: float, seconds: float
) -> None:
    life = token_life(start_within_s, limit_s, takes_turns=False)
    assert life == timedelta(seconds=seconds)
    assert token_life(start_within_s, limit_s, takes_turns=True) == timedelta(days=1)


@pytest.mark.parametrize("start_within_s", [0, 600, 7200, 82_800, 200_000])
def test_a_turn_comes_while_the_token_is_good(start_within_s: float) -> None:
    turn = turn_within(start_within_s, has_token=True)
    life = token_life(start_within_s, 0, takes_turns=True).total_seconds()
    assert turn == max(life - 3600 - start_within_s, 3600)
    assert turn_within(start_within_s, has_token=False) == 86_400


def test_a_step_with_a_longer_limit_has_a_longer_token() -> None:
    row = make_account("Cloud", "GenericOidcAccount", Audience="api://shop")
    set_setting(START_WITHIN_SETTING, 7200)
    limit = {"Octopus.Action.ExecutionTimeout.Minutes": "120"}
    step = script_step()
    step["Actions"][0]["Properties"] |= limit
    pool = WorkerPool.objects.in_space(default_space()).get(is_default=True)
    worker = WorkerInput("builder", pools=[pool])
    make_agent(create_worker(actor=SYSTEM, space=default_space(), worker=worker))
    scene = make_scene(step, variables=lambda _: [named(row, "Cloud")])
    token, _ = sent(scene)["Octopus.OpenIdConnect.Jwt"]
    claims = jwt.decode(token, options={"verify_signature": False})
    (run,) = scene.runs()
    assert claims["exp"] - claims["iat"] == run.header["take_within_s"] + run.header["deadline_s"]
    assert claims["exp"] - claims["iat"] == 4 * 3600


@pytest.mark.parametrize(
    ("keys", "subject"),
    [
        (["environment", "space"], "space:s:environment:e"),
        (["runbook", "tenant", "type"], "type:deployment"),
        ([], ""),
    ],
)
def test_subjects(keys: list[str], subject: str) -> None:
    slugs = {"space": "s", "environment": "e", "runbook": "", "type": "deployment"}
    assert subject_of(keys, slugs) == subject
